/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/segments_tree.h"

#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A further break of a node, as a hinge and as a jump. */
struct leaf {
    size_t gap;
    double knot;
    double hinge; /* 1 / |u| */
    double share; /* j u / u^2 */
    double jump;  /* 1 / |j'| */
    size_t shapes[2];
    size_t nodes[2]; /* of these shapes; 0: nothing can be added to them */
    bool has_jump;
};

/* A shape to which a break can be added. */
struct node {
    size_t shape, n_breaks;
    size_t classes[2]; /* of its leaves */
    size_t above;      /* the node without its last break; its own: the line */
    double *
        columns; /* that its last break added: orthonormal, n each, or two of the line */
    size_t n_columns;
    struct leaf *leaves; /* by rising gap */
    size_t n_leaves;
    double *beyond; /* by leaf: the sums that these columns have beyond its gap */
    /* Of the values at hand. */
    double inner[2]; /* of each column with them */
    double square;   /* of the residuals */
};

struct ipm_segments_tree {
    size_t n;
    struct node *nodes; /* in the order of their shapes */
    size_t n_nodes;
    struct leaf *leaves;
    double *beyond;
    double *columns;         /* while it is made */
    double *line;            /* the columns of the straight line */
    double *constant, *size; /* 1 and s, over the errors */
    double *residuals;       /* of the straight line */
    double
        *sums; /* by number of breaks and size: of the residuals from there on, and of s
                   * times those */
};

size_t ipm_segments_class(const struct ipm_segments_shape *shape)
{
    size_t jumps = 0;
    for (size_t i = 0; i < shape->n_breaks; i++)
        jumps += shape->breaks[i].jump;
    return shape->n_breaks * (IPM_SEGMENTS_BREAKS + 1) + jumps;
}

void ipm_segments_tree_free(struct ipm_segments_tree *tree)
{
    if (tree == NULL)
        return;
    free(tree->nodes);
    free(tree->leaves);
    free(tree->beyond);
    free(tree->columns);
    free(tree->constant);
    free(tree);
}

static double dot(const double *a, const double *b, size_t n)
{
    double even = 0; /* two sums: each addition waits for the one before */
    double odd = 0;
    size_t i = 0;
    for (; i + 1 < n; i += 2) {
        even += a[i] * b[i];
        odd += a[i + 1] * b[i + 1];
    }
    return even + odd + (i < n ? a[i] * b[i] : 0);
}

static void subtract(double *from, const double *column, double times, size_t n)
{
    for (size_t i = 0; i < n; i++)
        from[i] -= times * column[i];
}

static void project_out(const double *columns, size_t n_columns, size_t n, double *from)
{
    for (size_t k = 0; k < n_columns; k++)
        subtract(from, columns + k * n, dot(columns + k * n, from, n), n);
}

/* Takes off all that the design of @node holds. */
static void leave_orthogonal(const struct ipm_segments_tree *tree,
                             const struct node *node, double *column)
{
    project_out(node->columns, node->n_columns, tree->n, column);
    if (node->n_breaks > 0)
        leave_orthogonal(tree, &tree->nodes[node->above], column);
}

static double unit(double *column, size_t n)
{
    double length = sqrt(dot(column, column, n));
    for (size_t i = 0; i < n; i++)
        column[i] /= length;
    return length;
}

/* (s - knot)+ and [s > knot] over the errors, from that gap on. */
static void put_columns(const struct ipm_segments_tree *tree, size_t gap, double knot,
                        double *hinge, double *jump)
{
    for (size_t i = 0; i < tree->n; i++) {
        hinge[i] = i < gap ? 0 : tree->size[i] - knot * tree->constant[i];
        jump[i] = i < gap ? 0 : tree->constant[i];
    }
}

/* The columns of a node; those above it have theirs. */
static void set_columns(struct ipm_segments_tree *tree, struct node *node,
                        const struct ipm_segments_shape *shape)
{
    size_t n = tree->n;
    double *first = node->columns;
    double *second = first + n;
    node->n_columns = 2;
    if (shape->n_breaks == 0) {
        memcpy(first, tree->constant, n * sizeof(*first));
        memcpy(second, tree->size, n * sizeof(*second));
    } else {
        const struct ipm_segments_break *last = &shape->breaks[shape->n_breaks - 1];
        put_columns(tree, last->gap, last->knot, first, second);
        node->n_columns = last->jump ? 2 : 1;
        for (int twice = 0; twice < 2; twice++) { /* once leaves rounding behind */
            leave_orthogonal(tree, &tree->nodes[node->above], first);
            leave_orthogonal(tree, &tree->nodes[node->above], second);
        }
    }
    (void)unit(first, n);
    project_out(first, 1, n, second);
    project_out(first, 1, n, second);
    (void)unit(second, n);
}

/* A column that the design holds already explains nothing. */
static double inverse(double length, double before)
{
    return length > 1e-12 * before ? 1 / length : 0;
}

static void set_leaf(const struct ipm_segments_tree *tree, const struct node *node,
                     struct leaf *leaf, double *hinge, double *jump)
{
    size_t n = tree->n;
    put_columns(tree, leaf->gap, leaf->knot, hinge, jump);
    double hinge_before = sqrt(dot(hinge, hinge, n));
    double jump_before = sqrt(dot(jump, jump, n));
    leave_orthogonal(tree, node, hinge);
    leave_orthogonal(tree, node, jump);
    double square = dot(hinge, hinge, n);
    leaf->hinge = inverse(sqrt(square), hinge_before);
    leaf->share = leaf->hinge > 0 ? dot(hinge, jump, n) / square : 0;
    subtract(jump, hinge, leaf->share, n);
    leaf->jump = inverse(sqrt(dot(jump, jump, n)), jump_before);
}

/* Of @column, and of s times it, from each size on. */
static void add_up(const struct ipm_segments_tree *tree, const double *column,
                   double *sums)
{
    double plain = 0;
    double by_size = 0;
    for (size_t i = tree->n; i-- > 0;) {
        plain += tree->constant[i] * column[i];
        by_size += tree->size[i] * column[i];
        sums[2 * i] = plain;
        sums[2 * i + 1] = by_size;
    }
}

static void set_beyond(struct ipm_segments_tree *tree, struct node *node)
{
    for (size_t c = 0; c < node->n_columns; c++) {
        add_up(tree, node->columns + c * tree->n, tree->sums);
        for (size_t k = 0; k < node->n_leaves; k++) {
            const double *sums = &tree->sums[2 * node->leaves[k].gap];
            node->beyond[4 * k + 2 * c] = sums[0];
            node->beyond[4 * k + 2 * c + 1] = sums[1];
        }
    }
}

/* Nodes and leaves, without their numbers.  @counts: leaves by shape; @above: by shape, the
 * one without its last break. */
static void lay_out(const struct ipm_segments_shape *shapes, size_t n_shapes,
                    const size_t *counts, const size_t *above, size_t *node_of,
                    struct ipm_segments_tree *tree)
{
    size_t leaves = 0;
    for (size_t i = 0; i < n_shapes; i++) {
        const struct ipm_segments_shape *shape = &shapes[i];
        if (i > 0) {
            const struct ipm_segments_break *last = &shape->breaks[shape->n_breaks - 1];
            struct node *node = &tree->nodes[node_of[above[i]]];
            node->n_leaves += !last->jump;
            struct leaf *leaf = &node->leaves[node->n_leaves - 1];
            leaf->gap = last->gap;
            leaf->knot = last->knot;
            leaf->shapes[last->jump] = i;
            leaf->has_jump = last->jump;
            node->classes[last->jump] = ipm_segments_class(shape);
        }
        if (counts[i] == 0)
            continue;
        node_of[i] = tree->n_nodes;
        if (i > 0) {
            struct node *node = &tree->nodes[node_of[above[i]]];
            bool jump = shape->breaks[shape->n_breaks - 1].jump;
            node->leaves[node->n_leaves - 1].nodes[jump] = tree->n_nodes;
        }
        tree->nodes[tree->n_nodes] =
            (struct node){.shape = i,
                          .n_breaks = shape->n_breaks,
                          .above = node_of[above[i]],
                          .columns = tree->columns + 2 * tree->n * tree->n_nodes,
                          .leaves = tree->leaves + leaves,
                          .beyond = tree->beyond + 4 * leaves};
        tree->n_nodes++;
        leaves += counts[i];
    }
}

/* Room for all of it. */
static int tree_alloc(size_t n, size_t n_nodes, size_t n_leaves,
                      struct ipm_segments_tree **out_tree)
{
    struct ipm_segments_tree *tree = calloc(1, sizeof(*tree));
    if (tree == NULL)
        return -ENOMEM;
    tree->n = n;
    tree->nodes = calloc(n_nodes + 1, sizeof(*tree->nodes));
    tree->leaves = calloc(n_leaves + 1, sizeof(*tree->leaves));
    tree->beyond = calloc(4 * n_leaves + 1, sizeof(*tree->beyond));
    tree->columns = calloc(2 * n * n_nodes + 1, sizeof(*tree->columns));
    tree->constant =
        calloc((5 + 2 * IPM_SEGMENTS_BREAKS) * (n + 1), sizeof(*tree->constant));
    if (tree->nodes == NULL || tree->leaves == NULL || tree->beyond == NULL ||
        tree->columns == NULL || tree->constant == NULL) {
        ipm_segments_tree_free(tree);
        return -ENOMEM;
    }
    tree->size = tree->constant + n;
    tree->line = tree->size + n;
    tree->residuals = tree->line + 2 * n;
    tree->sums = tree->residuals + n;
    *out_tree = tree;
    return 0;
}

int ipm_segments_tree_new(const struct ipm_segments_shape *shapes, size_t n_shapes,
                          const double *sizes, const double *errors, size_t n,
                          struct ipm_segments_tree **out_tree)
{
    ipm_auto_free size_t *counts = calloc(n_shapes + 1, sizeof(*counts));
    ipm_auto_free size_t *above = calloc(n_shapes + 1, sizeof(*above));
    ipm_auto_free size_t *node_of = calloc(n_shapes + 1, sizeof(*node_of));
    size_t latest[IPM_SEGMENTS_BREAKS + 1] = {0};
    size_t n_leaves = 0;
    if (counts == NULL || above == NULL || node_of == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n_shapes; i++) {
        size_t breaks = shapes[i].n_breaks;
        latest[breaks] = i;
        above[i] = breaks == 0 ? i : latest[breaks - 1];
        if (breaks > 0 && !shapes[i].breaks[breaks - 1].jump) {
            counts[above[i]]++;
            n_leaves++;
        }
    }
    size_t n_nodes = 0;
    if (n_shapes > 0 && counts[0] == 0)
        counts[0] = 1; /* the line is a node even when nothing can be added to it */
    for (size_t i = 0; i < n_shapes; i++)
        n_nodes += counts[i] > 0;
    struct ipm_segments_tree *tree;
    if (tree_alloc(n, n_nodes, n_leaves + 1, &tree) != 0)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        tree->constant[i] = 1 / errors[i];
        tree->size[i] = sizes[i] / errors[i];
    }
    lay_out(shapes, n_shapes, counts, above, node_of, tree);
    for (size_t i = 0; i < tree->n_nodes; i++) {
        struct node *node = &tree->nodes[i];
        set_columns(tree, node, &shapes[node->shape]);
        for (size_t k = 0; k < node->n_leaves; k++)
            set_leaf(tree, node, &node->leaves[k], tree->residuals, tree->sums);
        set_beyond(tree, node);
    }
    memcpy(tree->line, tree->columns, 2 * n * sizeof(*tree->line));
    free(tree->columns);
    tree->columns = NULL;
    *out_tree = tree;
    return 0;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static void better(struct ipm_segments_best *best, size_t class, double square,
                   size_t shape)
{
    if (square < best->squares[class]) {
        best->squares[class] = square;
        best->shapes[class] = shape;
    }
}

/* A break's leaf, where the residuals have these sums beyond it. */
static void fit_leaf(struct ipm_segments_tree *tree, const struct leaf *leaf,
                     const double *sums, double square, double out_gains[2])
{
    double hinge = sums[1] - leaf->knot * sums[0];
    double inner[2] = {hinge * leaf->hinge,
                       (sums[0] - leaf->share * hinge) * leaf->jump};
    out_gains[0] = inner[0] * inner[0];
    out_gains[1] = out_gains[0] + inner[1] * inner[1];
    for (int jump = 0; jump < 2; jump++) {
        if (leaf->nodes[jump] == 0)
            continue;
        struct node *node = &tree->nodes[leaf->nodes[jump]];
        node->inner[0] = inner[0];
        node->inner[1] = inner[1];
        node->square = square - out_gains[jump];
    }
}

/* All leaves of a node, whose own figures are there. */
static void fit_leaves(struct ipm_segments_tree *tree, const struct node *node,
                       double floor, struct ipm_segments_best *best, double *squares)
{
    double most[2] = {-1, -1}; /* of all hinges, of all jumps */
    size_t at[2] = {0, 0};
    double *level = tree->sums + 2 * tree->n * node->n_breaks;
    for (size_t k = 0; k < node->n_leaves; k++) {
        const struct leaf *leaf = &node->leaves[k];
        double *sums = &level[2 * leaf->gap];
        double gains[2];
        if (node->n_breaks > 0) {
            const double *before = sums - 2 * tree->n;
            const double *beyond = &node->beyond[4 * k];
            for (int i = 0; i < 2; i++)
                sums[i] = before[i] - node->inner[0] * beyond[i] -
                          node->inner[1] * beyond[2 + i];
        }
        fit_leaf(tree, leaf, sums, node->square, gains);
        for (int jump = 0; jump < (leaf->has_jump ? 2 : 1); jump++) {
            if (gains[jump] > most[jump]) {
                most[jump] = gains[jump];
                at[jump] = leaf->shapes[jump];
            }
            if (squares != NULL)
                squares[leaf->shapes[jump]] = larger(node->square - gains[jump], floor);
        }
    }
    for (int jump = 0; jump < 2; jump++) {
        if (most[jump] >= 0)
            better(best, node->classes[jump], larger(node->square - most[jump], floor),
                   at[jump]);
    }
}

void ipm_segments_tree_fit(struct ipm_segments_tree *tree, const double *scaled,
                           size_t most_breaks, double floor,
                           struct ipm_segments_best *out_best, double *out_squares)
{
    size_t n = tree->n;
    for (size_t i = 0; i < IPM_SEGMENTS_CLASSES; i++)
        out_best->squares[i] = INFINITY;
    memcpy(tree->residuals, scaled, n * sizeof(*scaled));
    project_out(tree->line, 2, n, tree->residuals);
    add_up(tree, tree->residuals, tree->sums);
    tree->nodes[0].square = dot(tree->residuals, tree->residuals, n);
    better(out_best, 0, larger(tree->nodes[0].square, floor), 0);
    if (out_squares != NULL)
        out_squares[0] = larger(tree->nodes[0].square, floor);
    for (size_t i = 0; i < tree->n_nodes; i++) {
        if (tree->nodes[i].n_breaks < most_breaks)
            fit_leaves(tree, &tree->nodes[i], floor, out_best, out_squares);
    }
}
