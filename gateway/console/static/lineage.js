"use strict";
// Which value was made of which: shown for the value that is pointed at or chosen by key. And copying a command.
(() => {
  const sides = document.getElementById("sides");
  const told = document.getElementById("lineage");

  function lines(text) {
    return text ? text.split("\n") : [];
  }

  function find(form, path) {
    return [...form.querySelectorAll("li[data-path]")].find((one) => one.dataset.path === path);
  }

  function formOf(leaf) {
    return leaf.closest("[data-form]");
  }

  function formNamed(name) {
    return name ? sides.querySelector(`[data-form="${CSS.escape(name)}"]`) : null;
  }

  function sourcesOf(leaf) { // those that are values of the form before, and theirs in turn
    const before = formNamed(formOf(leaf).dataset.of);
    const found = before ? lines(leaf.dataset.sources).map((path) => find(before, path)).filter(Boolean) : [];
    return found.flatMap((one) => [one, ...sourcesOf(one)]);
  }

  function madeOf(leaf) { // what was made of it, and of that in turn
    const name = formOf(leaf).dataset.form;
    const after = [...sides.querySelectorAll(`[data-of="${CSS.escape(name)}"] li[data-sources]`)];
    const found = after.filter((one) => lines(one.dataset.sources).includes(leaf.dataset.path));
    return found.flatMap((one) => [one, ...madeOf(one)]);
  }

  function bring(leaf) {
    const list = leaf.parentElement;
    const top = leaf.offsetTop - list.offsetTop;
    if (top < list.scrollTop || top + leaf.offsetHeight > list.scrollTop + list.clientHeight) {
      list.scrollTop = top - list.clientHeight / 3;
    }
  }

  function names(leaves) {
    return leaves.map((one) => `${formOf(one).querySelector("h4").firstChild.textContent.trim()} ${one.dataset.path}`).join(", ");
  }

  function show(leaf) {
    for (const one of sides.querySelectorAll(".chosen, .source, .made")) one.classList.remove("chosen", "source", "made");
    if (!leaf || leaf.dataset.sources === undefined) return;
    const sources = sourcesOf(leaf);
    const made = madeOf(leaf);
    leaf.classList.add("chosen");
    sources.forEach((one) => one.classList.add("source"));
    made.forEach((one) => one.classList.add("made"));
    const own = lines(leaf.dataset.sources);
    const parts = [leaf.dataset.path];
    if (formOf(leaf).dataset.of) parts.push(`${told.dataset.from}: ${own.join(", ") || told.dataset.constant}`);
    if (leaf.dataset.steps) parts.push(`${told.dataset.steps}: ${lines(leaf.dataset.steps).join("; ")}`);
    if (made.length) parts.push(`${told.dataset.to}: ${names(made)}`);
    told.textContent = parts.join(" · ");
    [...sources, ...made].forEach(bring);
  }

  function move(list, step) {
    const leaves = [...list.querySelectorAll("li[data-sources]")];
    const now = leaves.findIndex((one) => one.classList.contains("chosen"));
    const next = leaves[Math.min(Math.max(now + step, 0), leaves.length - 1)];
    show(next);
    if (next) bring(next);
  }

  if (sides && told) {
    sides.addEventListener("mousemove", (event) => {
      const leaf = event.target.closest("li[data-sources]");
      const moved = event.movementX || event.movementY; // a list that scrolls under a pointer at rest chooses nothing
      if (leaf && moved && !leaf.classList.contains("chosen")) show(leaf);
    });
    sides.addEventListener("click", (event) => {
      const leaf = event.target.closest("li[data-sources]");
      if (leaf) show(leaf);
    });
    sides.addEventListener("keydown", (event) => {
      const list = event.target.closest(".leaves");
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (list && step) {
        event.preventDefault();
        move(list, step);
      }
    });
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copy);
      if (navigator.clipboard) {
        await navigator.clipboard.writeText(text.textContent);
      } else { // on plain HTTP there is no clipboard: the text is selected, and the browser asked to copy it
        const range = document.createRange();
        range.selectNodeContents(text);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        document.execCommand("copy");
      }
      button.textContent = button.dataset.copied;
    });
  }
})();
