type Child = Node | string | null | undefined | false;
type Properties = Readonly<Record<string, string | number | boolean | null | undefined | ((event: never) => void)>>;

/**
 * An element with properties and children. `on…` are listeners, `class` and `aria-…` attributes. Text is always text: nothing from
 * the server becomes markup, and no style is given as a string, which a strict content policy would refuse.
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child): child is Node | string => Boolean(child) || child === ""));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(
  tag: string,
  attributes: Readonly<Record<string, string | number>> = {},
  ...children: Node[]
): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

let sprite = "";

/** Where the icon sprite is. */
export function setSprite(url: string): void {
  sprite = url;
}

export function icon(name: string): SVGElement {
  return svg("svg", { class: "hv-i", "aria-hidden": "true" }, svg("use", { href: `${sprite}#tabler-${name}` }));
}

/** Sets text only when it differs: an untouched node costs the browser nothing. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function replaceChildren(element: Element, ...children: Child[]): void {
  element.replaceChildren(...children.filter((child): child is Node | string => Boolean(child)));
}

/** "18F-FDG" and "F-18 FDG" with the mass number raised. */
export function tracerName(name: string): Node {
  const match = /^(\d{1,3})([A-Z][a-z]?)(.*)$/s.exec(name) ?? swapped(name);
  if (!match) return document.createTextNode(name);
  const span = h("span");
  span.append(h("sup", {}, match[1] ?? ""), `${match[2]}${match[3]}`);
  return span;
}

function swapped(name: string): readonly string[] | null {
  const match = /^([A-Z][a-z]?)-(\d{1,3}m?)[ -]?(.*)$/s.exec(name);
  return match ? ["", match[2] ?? "", match[1] ?? "", match[3] ? `-${match[3]}` : ""] : null;
}
