"""What a test asks a browser about a page, in the browser's language."""

FAINT_TEXT = """() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  const rgba = (text) => {
    brush.clearRect(0, 0, 1, 1); brush.fillStyle = text; brush.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const ground = (element) => {
    if (!element) return rgba(getComputedStyle(document.body).backgroundColor);
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own : over(own, ground(element.parentElement));
  };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const faint = [];
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const element = words.currentNode.parentElement;
    if (!words.currentNode.textContent.trim() || !element.checkVisibility() || element.closest(".unseen")) continue;
    const style = getComputedStyle(element);
    let below = ground(element), ink = style.color;
    if (element instanceof SVGTextElement) {
      const bar = element.closest("a.bar")?.querySelector("rect");
      if (bar && getComputedStyle(bar).opacity !== "1") continue;  // The past is pale on purpose; its title tells all.
      if (bar) below = rgba(getComputedStyle(bar).fill);
      ink = style.fill;
    } else if (element instanceof SVGElement) continue;
    const [a, b] = [light(over(rgba(ink), below)), light(below)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const said = words.currentNode.textContent.trim().slice(0, 30);
    if (ratio < (large ? 3 : 4.5)) faint.push(`${ratio.toFixed(2)} ${said}`);
  }
  return [...new Set(faint)];
}"""
"""Pieces of text whose contrast with what is behind them is too low."""

NAMELESS = """() => [...document.querySelectorAll("a, button, input, select, summary, svg[role], table")]
  .filter((each) => each.type !== "hidden" && each.checkVisibility())
  .filter((each) => !(each.getAttribute("aria-label") || each.labels?.length || each.textContent.trim()
    || each.querySelector("caption")))
  .map((each) => each.outerHTML.slice(0, 120))"""
"""Elements that a screen reader could not name."""

DISORDER = """() => {
  const faults = [];
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const next = Number(heading.localName[1]);
    if (next > level + 1) faults.push(`h${level} is followed by h${next}`);
    level = next;
  }
  const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
  faults.push(...ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `two are called ${id}`));
  for (const name of ["header", "nav", "main", "footer"]) {
    if (document.querySelectorAll(`body ${name}`).length !== 1) faults.push(`not one ${name}`);
  }
  return faults;
}"""
"""Headings that skip a level, ids that are used twice, landmarks that are missing."""

FOCUS_IS_SEEN = """() => {
  const at = document.activeElement;
  if (at === document.body) return true;  // Once around.
  const style = getComputedStyle(at);
  if (at.matches("a.bar")) return parseFloat(getComputedStyle(at.querySelector("rect")).strokeWidth) >= 3;
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
}"""
"""Whether the element with the focus shows it."""
