/** Defines the custom element of the viewer. */
import "./viewer.css";

class HevesyViewer extends HTMLElement {}
customElements.define("hv-viewer", HevesyViewer);
