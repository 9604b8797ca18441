/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/model.h"
#include "analysis/models/seed_fit.h"
#include "analysis/summary.h"
#include "base/json.h"

#define IPM_MODEL(name) extern const struct ipm_model ipm_model_##name;
#include "analysis/models/list.def"
#undef IPM_MODEL

const struct ipm_model *const ipm_models[] = {
#define IPM_MODEL(name) &ipm_model_##name,
#include "analysis/models/list.def"
#undef IPM_MODEL
    NULL,
};

void ipm_model_add_parameter(json_t *list, const char *name, const char *unit,
                             const struct ipm_interval *interval)
{
    (void)json_array_append_new(
        list, json_pack("{s:s,s:s,s:o,s:o,s:o,s:o}", "name", name, "unit", unit,
                        "value", ipm_json_number(interval->value), "low",
                        ipm_json_number(interval->low), "high",
                        ipm_json_number(interval->high), "level",
                        ipm_json_number(IPM_SUMMARY_LEVEL)));
}

json_t *ipm_models_json(const struct ipm_model_input *input)
{
    ipm_auto_json json_t *list = json_array();
    for (const struct ipm_model *const *at = ipm_models; *at != NULL; at++) {
        json_t *document = (*at)->fit(input);
        if (document == NULL || json_array_append_new(list, document) != 0)
            return NULL;
    }
    return json_incref(list);
}

void ipm_models_text(const json_t *models, FILE *out)
{
    size_t i;
    json_t *document;
    json_array_foreach(models, i, document)
    {
        if (ipm_models[i] != NULL)
            ipm_models[i]->text(document, out);
    }
}
