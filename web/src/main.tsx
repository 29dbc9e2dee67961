import { createConnectTransport } from "@connectrpc/connect-web";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App, openQueries } from "./app";
import { Live } from "./live/live";
import { followPageLifecycle } from "./live/page-lifecycle";
import { openSession } from "./session/open-session";
import { readPageConfig } from "./session/page-config";
import { applyTheme } from "./shell/theme";

/** After this time without a response, the page says so. */
const CALL_MS_MAX = 4_500;

async function main(root: HTMLElement): Promise<void> {
  const config = await readPageConfig(null, { onRetry: () => showNotResponding(root) });
  const live = new Live(
    await openSession(config),
    (interceptors) =>
      createConnectTransport({
        baseUrl: config.apiUrl,
        useBinaryFormat: true,
        defaultTimeoutMs: CALL_MS_MAX,
        interceptors,
      }),
    { currency: config.currency, apiUrl: config.apiUrl },
  );
  followPageLifecycle(live.feed);
  createRoot(root).render(
    <StrictMode>
      <App live={live} queries={openQueries()} />
    </StrictMode>,
  );
}

/** Show that the page waits for its configuration, without which it can't start. React replaces this message. */
function showNotResponding(root: HTMLElement): void {
  const message = document.createElement("p");
  message.className = "message message--alarm";
  message.role = "status";
  message.textContent = "Gavel is not responding. Retrying…";
  root.replaceChildren(message);
}

applyTheme();
const root = document.getElementById("root");
if (root) {
  void main(root);
}
