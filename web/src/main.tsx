import { createConnectTransport } from "@connectrpc/connect-web";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App, openQueries } from "./app";
import { Live } from "./live/live";
import { keepAwake } from "./live/wakefulness";
import { openSession } from "./session/open-session";
import { readPageConfig } from "./session/page-config";
import { applyTheme } from "./shell/theme";

const CALL_MS_MAX = 10_000;

async function main(root: HTMLElement): Promise<void> {
  const config = await readPageConfig(null, { onAway: () => sayAway(root) });
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
  keepAwake(live.feed);
  createRoot(root).render(
    <StrictMode>
      <App live={live} queries={openQueries()} />
    </StrictMode>,
  );
}

/** Until it is known what kind of installation this is, there is no page to show; React takes this away. */
function sayAway(root: HTMLElement): void {
  const message = document.createElement("p");
  message.className = "message message--alarm";
  message.role = "status";
  message.textContent = "Gavel does not answer. Trying again …";
  root.replaceChildren(message);
}

applyTheme();
const root = document.getElementById("root");
if (root) {
  void main(root);
}
