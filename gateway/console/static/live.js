"use strict";
// Keeps a part of the page as things are: the server draws it, this puts it in place. Only what differs is
// replaced, so that focus and selection stay where they are; a page that nobody sees does not listen.
(() => {
  const place = document.getElementById("live");
  const state = document.getElementById("live-state");
  const button = document.getElementById("live-switch");
  const AGAIN_MS = 15000;
  let source = null;
  let halted = false;
  let over = false;
  let timer = 0;

  function say(name) {
    state.dataset.state = name;
    state.textContent = state.dataset[name] || "";
  }

  function put(html) {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    const now = [...place.children];
    const next = [...fresh.content.children];
    const focused = document.activeElement && place.contains(document.activeElement) ? document.activeElement.id : "";
    if (now.map((one) => one.id).join() === next.map((one) => one.id).join()) {
      now.forEach((one, index) => one.isEqualNode(next[index]) || one.replaceWith(next[index]));
    } else {
      place.replaceChildren(...next);
    }
    if (focused && document.activeElement.id !== focused) {
      document.getElementById(focused)?.focus({ preventScroll: true });
    }
  }

  function close() {
    clearTimeout(timer);
    if (source) source.close();
    source = null;
  }

  function open() {
    if (source || halted || over || document.hidden) return;
    source = new EventSource(place.dataset.stream);
    source.addEventListener("overview", (event) => { put(event.data); say("on"); });
    source.addEventListener("away", () => say("away"));
    source.addEventListener("over", () => { over = true; close(); say("over"); button.hidden = true; });
    source.onerror = () => {
      say("lost");
      if (source && source.readyState === EventSource.CLOSED) { // the server said no: it is asked again later
        close();
        timer = setTimeout(open, AGAIN_MS);
      }
    };
  }

  button.addEventListener("click", () => {
    halted = !halted;
    button.textContent = halted ? button.dataset.goOn : button.dataset.halt;
    if (halted) { close(); say("halted"); } else { open(); }
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", open);
  button.hidden = false;
  open();
})();
