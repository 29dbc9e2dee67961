import { createConnectTransport } from "@connectrpc/connect-web";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App, openQueries } from "./app";
import { Live } from "./live/live";
import { keepAwake } from "./live/wakefulness";
import { applyTheme } from "./shell/theme";
import { Session } from "./who/session";

const CALL_MS_MAX = 10_000;

applyTheme();
const live = new Live(new Session(), (interceptors) =>
  createConnectTransport({
    baseUrl: location.origin,
    useBinaryFormat: true,
    defaultTimeoutMs: CALL_MS_MAX,
    interceptors,
  }),
);
keepAwake(live.feed);

const root = document.getElementById("root");
if (!root) {
  throw new Error("the page has no place to stand");
}
createRoot(root).render(
  <StrictMode>
    <App live={live} queries={openQueries()} />
  </StrictMode>,
);
