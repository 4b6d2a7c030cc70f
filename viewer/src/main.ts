import "./viewer.css";
import { ViewerElement } from "./panels/viewerElement";

customElements.define("hv-viewer", ViewerElement);

declare global {
  interface HTMLElementTagNameMap {
    "hv-viewer": ViewerElement;
  }
}
