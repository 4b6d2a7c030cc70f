/** Everything that every page needs. Each module finds its own elements, in the page and in what htmx swaps in. */
import "./theme.js";
import "./clock.js";
import "./toast.js";
import "./requests.js";
import "./dialog.js";
import "./table.js";
import "./keys.js";
import "./forms.js";
import "./find.js";
import "./scan.js";
import "./live.js";
import "./uptake.js";
import "./decay.js";
import "./tabs.js";
