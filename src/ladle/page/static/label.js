"use strict";

const find = (id) => document.getElementById(id);
const svgSpace = "http://www.w3.org/2000/svg";
const pollEvery = 1500;
let formToken = document.querySelector('meta[name="form-token"]').content;
let state = null;
let sending = false;
let shownPlace = null;
// The token has been taken: it is not left for a screenshot, a bookmark or the history to show.
if (location.search) history.replaceState(null, "", location.pathname);

// Text only: what people wrote or called their files never becomes markup.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function draw(tag, attributes = {}, text = "") {
  const element = document.createElementNS(svgSpace, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

const percent = (share) => `${Math.round(100 * share)} %`;

async function ask(path, content, again = true) {
  const options = content === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Ladle-Form": formToken },
    body: JSON.stringify(content),
  };
  const answer = await fetch(path, options);
  if (answer.status === 403 && again) {
    // The server was started again: it has said anew who we are, and its form tokens are new. The labels are in the store.
    if (content !== undefined) await ask("state");
    return ask(path, content, false);
  }
  const text = await answer.text();
  let found = { error: text };
  try { found = JSON.parse(text); } catch { /* a refusal is plain text */ }
  if (!answer.ok) throw new Error(found.error || `the server answered with ${answer.status}`);
  formToken = found.form;
  return found;
}

async function send(path, content) {
  if (sending) return;
  sending = true;
  complain("");
  try {
    show(await ask(path, content));
  } catch (error) {
    complain(error instanceof TypeError ? "The server does not answer. Your last answer was not recorded; try again." : error.message);
    if (!(error instanceof TypeError)) await refresh();
  } finally {
    sending = false;
  }
}

async function refresh() {
  try {
    const found = await ask("state");
    if (find("error").dataset.lost) complain("");
    show(found);
  } catch (error) {
    complain(error instanceof TypeError ? "The server does not answer. What was labeled is in the store; start ladle label again." : error.message);
    find("error").dataset.lost = "yes";
  }
}

function complain(text) {
  find("error").textContent = text;
  find("error").hidden = !text;
  delete find("error").dataset.lost;
}

function label(name) {
  if (state && state.item) send("answer", { place: state.item.place, label: name });
}

function show(found) {
  state = found;
  showItem();
  showClasses();
  showStanding();
}

function showItem() {
  const item = state.item;
  find("example").hidden = find("classes").hidden = find("why").hidden = !item;
  find("unsure").disabled = find("skip").disabled = !item;
  find("undo").disabled = !state.mine;
  find("waiting").hidden = Boolean(item);
  if (!item) {
    shownPlace = null;
    find("waiting").textContent = waitingText();
    return;
  }
  if (item.place === shownPlace) return;
  shownPlace = item.place;
  find("shown").className = state.kind;
  find("shown").replaceChildren(picture(item, item.text) || make("p", {}, item.text));
  const shown = find("shown");
  shown.scrollTop = 0;
  // One column of text, read downwards, where not all of it is seen at once; keys and readers can go there.
  const long = shown.scrollHeight > shown.clientHeight;
  shown.classList.toggle("long", long);
  shown.tabIndex = long ? 0 : -1;
  find("caption").textContent = [item.id === item.text && !item.image ? "" : item.id, item.second ? "a second opinion" : ""]
    .filter(Boolean).join(" · ");
  find("receipt").replaceChildren(...receipt(item.why));
  find("spoken").textContent = `Next: ${item.image ? `image ${item.id}` : item.text}. ${state.labeled} labeled.`;
}

function picture(example, alternative) {
  if (!example.image) return null;
  const image = make("img", { src: example.image, alt: alternative });
  image.addEventListener("load", () => { if (image.naturalWidth < 100) image.classList.add("tiny"); });
  return image;
}

function waitingText() {
  if (state.planning.busy) return "The next batch is being chosen …";
  if (state.planning.trouble) return state.planning.trouble;
  if (state.pending) return "All that is asked for lies with other people at the moment.";
  if (state.setAside) return `All labeled but ${state.setAside} you were not sure of.`;
  if (state.planning.exhausted) return "Everything is labeled.";
  return "The next batch is being chosen …";
}

function showClasses() {
  const names = state.classes.map((one) => one.name + one.key).join("\n");
  if (find("classes").dataset.names !== names) {
    find("classes").dataset.names = names;
    find("classes").replaceChildren(...state.classes.map((one) => {
      const button = make("button", { type: "button" }, one.key ? make("kbd", {}, one.key) : "", one.name);
      if (one.key) button.setAttribute("aria-keyshortcuts", one.key);
      button.addEventListener("click", () => label(one.name));
      return button;
    }));
  }
  find("counts").replaceChildren(...Object.entries(state.counts).map(([name, count]) =>
    make("tr", {}, make("td", {}, name), make("td", {}, String(count)))));
  find("again").hidden = !state.setAside;
  find("again").textContent = `Look again at ${state.setAside} not sure of`;
  find("last").textContent = state.last ? `Last: ${state.last.id} → ${state.last.label}` : "";
}

function showStanding() {
  const done = state.labeled + state.skipped;
  find("progress").textContent = `${state.labeled} of ${state.examples} labeled` + (state.skipped ? `, ${state.skipped} set aside` : "");
  find("bar").value = done / state.examples;
  const last = state.curve.at(-1);
  find("accuracy").textContent = last
    ? `The model is right on ${percent(last.accuracy)} (${percent(last.low)} to ${percent(last.high)}) of examples drawn at random, over the last ${last.answers} of them. Earlier ones were guessed with fewer labels: while the model gets better this errs on the low side.`
    : "How good the model is shows once the second batch has answers: a part of it is drawn at random, and the model guesses those first.";
  find("curve").replaceChildren(...(state.curve.length > 1 ? [curve(state.curve)] : []));
  const planning = state.planning;
  find("planning").textContent = planning.busy
    ? planning.total ? `Training for the next batch: ${percent(planning.done / planning.total)}` : "Choosing the next batch …"
    : "";
  find("trouble").textContent = planning.trouble;
  find("trouble").hidden = !planning.trouble;
  find("hint").textContent = state.hint;
  find("hint").hidden = !state.hint;
  const forecasting = state.forecasting;
  find("forecast").disabled = forecasting.busy;
  find("saving").textContent = forecasting.busy
    ? `Comparing with random labeling: ${forecasting.total ? percent(forecasting.done / forecasting.total) : "beginning"} …`
    : forecasting.sentence && `${forecasting.sentence} (at ${forecasting.labeled} labels)`;
  const agreement = state.agreement;
  find("agreement").hidden = !agreement;
  if (agreement) {
    const differ = agreement.differ.slice(0, 3).map((one) => `${one.id}: ${one.labels.join(" / ")}`).join("; ");
    find("agreement").textContent = `Two people agree on ${agreement.same} of ${agreement.of} (${percent(agreement.low)} to ${percent(agreement.high)}).`
      + (differ ? ` They differ on ${differ}.` : "");
  }
}

function curve(points) {
  const [width, height, left, right, top, bottom] = [300, 170, 44, 8, 8, 34];
  const first = points[0].labeled, span = Math.max(1, points.at(-1).labeled - first);
  const x = (labeled) => left + (width - left - right) * (labeled - first) / span;
  const y = (share) => top + (height - top - bottom) * (1 - share);
  const path = (values) => values.map(([a, b], place) => `${place ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join(" ");
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  svg.append(draw("title", {}, `Accuracy from ${percent(points[0].accuracy)} at ${first} labels to ${percent(points.at(-1).accuracy)} at ${points.at(-1).labeled}`));
  for (const share of [0, 0.5, 1]) {
    svg.append(draw("path", { class: "axis", d: `M${left} ${y(share)} H${width - right}` }));
    svg.append(draw("text", { x: left - 5, y: y(share) + 4, "text-anchor": "end" }, percent(share)));
  }
  const over = points.map((one) => [x(one.labeled), y(one.high)]);
  const under = points.map((one) => [x(one.labeled), y(one.low)]).reverse();
  svg.append(draw("path", { class: "band", d: `${path([...over, ...under])} Z` }));
  svg.append(draw("path", { class: "line", d: path(points.map((one) => [x(one.labeled), y(one.accuracy)])) }));
  for (const one of points) svg.append(draw("circle", { cx: x(one.labeled), cy: y(one.accuracy), r: 2.5 }));
  svg.append(draw("text", { x: left, y: height - 18 }, String(first)));
  svg.append(draw("text", { x: width - right, y: height - 18, "text-anchor": "end" }, String(points.at(-1).labeled)));
  svg.append(draw("text", { x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle" }, "labels (band: 95 % interval)"));
  return svg;
}

function receipt(why) {
  const parts = [make("p", {}, why.sentence)];
  if (why.discrepancy === undefined) return parts;
  const bar = draw("svg", { class: "split", viewBox: "0 0 100 8", preserveAspectRatio: "none", role: "img" });
  bar.append(draw("title", {}, `size ${percent(why.size)}, angle ${percent(why.angle)}`));
  bar.append(draw("rect", { class: "part-size", x: 0, y: 0, width: 100 * why.size, height: 8 }));
  bar.append(draw("rect", { class: "part-angle", x: 100 * why.size, y: 0, width: 100 * why.angle, height: 8 }));
  const facts = make("dl", {},
    make("dt", {}, "discrepancy"), make("dd", {}, `${why.discrepancy.toPrecision(3)}, number ${why.rank} of ${why.of}`),
    make("dt", {}, "of it, size"), make("dd", {}, `${percent(why.size)}: how far the model would move`
      + (why.learned ? " (it has learned its labels, their mean gradient is nearly zero: then all of it is size)" : "")),
    make("dt", {}, "of it, angle"), make("dd", {}, `${percent(why.angle)}: in another direction than the labels so far`),
    make("dt", {}, "nearest gradient"), make("dd", {}, `${Math.round(why.apart)}° from that of a labeled example`),
    make("dt", {}, "the model's guess"), make("dd", {}, why.likeliest.map((one) => `${one.class} ${percent(one.probability)}`).join(", ")));
  const near = make("ul", { class: "near" }, ...why.nearest.map((one) =>
    make("li", {}, picture(one, one.id) || make("span", { class: "soft" }, one.text), make("div", {}, one.class))));
  parts.push(bar, facts, make("p", {}, "Nearest labeled:"), near);
  if (why.passedOver) {
    parts.push(make("p", {}, "Next best that was passed over:"),
      make("ul", { class: "near" }, make("li", {}, picture(why.passedOver, why.passedOver.id) || "", make("span", { class: "soft" }, why.passedOver.text))));
  }
  return parts;
}

find("unsure").addEventListener("click", () => label(state.unsure));
find("skip").addEventListener("click", () => label(state.skip));
find("undo").addEventListener("click", () => send("undo", {}));
find("forecast").addEventListener("click", () => send("forecast", {}));
find("again").addEventListener("click", () => send("look-again", {}));
find("add").addEventListener("submit", async (event) => {
  event.preventDefault();
  await send("classes", { name: find("name").value });
  if (find("error").hidden) find("name").value = "";
  find("name").blur();
});
document.addEventListener("keydown", (event) => {
  if (!state || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea")) return;
  const chosen = state.classes.find((one) => one.key && one.key === event.key.toLowerCase());
  const actions = {
    "?": () => label(state.unsure),
    "-": () => label(state.skip),
    Backspace: () => send("undo", {}),
    w: () => { find("why").open = !find("why").open; },
  };
  const shown = find("shown");
  const strides = { ArrowDown: 40, ArrowUp: -40, PageDown: shown.clientHeight - 40, PageUp: 40 - shown.clientHeight };
  if (strides[event.key] && shown.tabIndex === 0 && event.target.closest("aside, details") === null) {
    event.preventDefault();
    shown.scrollBy({ top: strides[event.key] });
    return;
  }
  const action = chosen ? () => label(chosen.name) : actions[event.key];
  // A key that is held down answers once.
  if (action && !event.repeat) {
    event.preventDefault();
    action();
  }
});
setInterval(() => { if (!sending && !document.hidden) refresh(); }, pollEvery);
refresh();
