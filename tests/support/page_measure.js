// SPDX-License-Identifier: GPL-3.0-or-later
// What is wrong with how a page lies in its window: a list of words, empty when all is well.
// What is in a box that scrolls may be wider than the window, if the box is not.
'use strict';
function measurePage(page) {
  const view = page.defaultView;
  const wrong = [];
  const slack = 1;
  const name = one => one.tagName.toLowerCase() + (one.id ? '#' + one.id : '') +
      (one.classList.length ? '.' + one.classList[0] : '') + ' "' +
      one.textContent.trim().replace(/\s+/g, ' ').slice(0, 30) + '"';
  const scrolls = one => /auto|scroll/.test(view.getComputedStyle(one).overflowX);
  const inside = one => {
    for (let at = one.parentElement; at; at = at.parentElement) {
      if (at !== page.documentElement && at !== page.body && scrolls(at)) return true;
    }
    return false;
  };
  const shown = one => one.checkVisibility ? one.checkVisibility() : one.offsetParent !== null;
  const rects = one => Array.from(one.getClientRects()).filter(r => r.width > 0 && r.height > 0);
  const overlap = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > slack &&
      Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > slack;
  const meet = (a, b) => rects(a).some(r => rects(b).some(s => overlap(r, s)));

  const all = Array.from(page.body.querySelectorAll('*')).filter(one => shown(one));
  for (const one of all) {
    if (inside(one)) continue;
    const box = one.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) continue;
    if (box.left < -slack || box.right > view.innerWidth + slack)
      wrong.push('leaves the window: ' + name(one));
  }
  // Words of neighbours; a picture's are looked at below.
  for (const parent of all) {
    if (parent.closest('svg')) continue;
    const parts = Array.from(parent.children)
        .filter(one => !one.closest('svg') && shown(one) && one.textContent.trim() !== '');
    for (let i = 0; i < parts.length; i++) {
      for (let k = i + 1; k < parts.length && k < i + 30; k++) {
        if (meet(parts[i], parts[k])) wrong.push('overlap: ' + name(parts[i]) + ', ' + name(parts[k]));
      }
    }
  }
  for (const picture of page.querySelectorAll('.picture svg')) {
    const frame = picture.getBoundingClientRect();
    const words = Array.from(picture.querySelectorAll('text'))
        .filter(one => one.textContent.trim() !== '');
    words.forEach((one, i) => {
      const box = one.getBoundingClientRect();
      if (box.left < frame.left - slack || box.right > frame.right + slack ||
          box.top < frame.top - slack || box.bottom > frame.bottom + slack)
        wrong.push('leaves its picture: ' + name(one));
      for (const other of words.slice(i + 1)) {
        if (overlap(box, other.getBoundingClientRect()))
          wrong.push('overlap in a picture: ' + name(one) + ', ' + name(other));
      }
    });
  }
  return wrong;
}
