(function () {
  var root = document.documentElement, note = document.getElementById("live"), failed = 0, timer;
  function parts(from) { return from.querySelectorAll("[data-part]"); }
  function put(page) {
    if (!parts(document).length) return location.reload(); // it told why there was nothing to see
    var focus = document.activeElement, href = focus && focus.getAttribute("href");
    parts(page).forEach(function (fresh) {
      var old = document.querySelector('[data-part="' + fresh.dataset.part + '"]');
      if (!old || old.innerHTML === fresh.innerHTML) return;
      var within = href && old.contains(focus);
      old.innerHTML = fresh.innerHTML;
      if (within) old.querySelectorAll("a").forEach(function (a) { if (a.getAttribute("href") === href) a.focus({ preventScroll: true }); });
    });
    document.title = page.title;
    root.dataset.every = page.documentElement.dataset.every || "";
  }
  function next() {
    var every = Number(root.dataset.every);
    clearTimeout(timer);
    if (every) timer = setTimeout(load, document.hidden ? 30000 : Math.min(every << Math.min(failed, 5), 30000));
    if (note) note.textContent = failed ? "This page could not be brought up to date; trying again." : every ? "This page keeps itself up to date." : "";
  }
  function load() {
    fetch(location.href, { redirect: "error" }).then(function (answer) {
      if (!answer.ok) throw new Error(answer.status);
      return answer.text();
    }).then(function (text) {
      put(new DOMParser().parseFromString(text, "text/html"));
      failed = 0;
    }).catch(function () { failed++; }).then(next);
  }
  document.addEventListener("visibilitychange", function () { if (!document.hidden && Number(root.dataset.every)) load(); });
  next();
})();
