import { createConnectTransport } from "@connectrpc/connect-web";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App, openQueries } from "./app";
import { Live } from "./live/live";
import { keepAwake } from "./live/wakefulness";
import { applyTheme } from "./shell/theme";
import { openSession } from "./who/open-session";
import { readPageConfig } from "./who/page-config";

const CALL_MS_MAX = 10_000;

async function main(root: HTMLElement): Promise<void> {
  const config = await readPageConfig();
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

applyTheme();
const root = document.getElementById("root");
if (root) {
  void main(root);
}
