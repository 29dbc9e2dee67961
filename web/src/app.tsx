import { Code, ConnectError } from "@connectrpc/connect";
import { TransportProvider } from "@connectrpc/connect-query";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { Redirect, Route, Switch } from "wouter";
import type { Live } from "./live/live";
import { LiveProvider } from "./live/live-context";
import { AuctionPage } from "./pages/auction-page";
import { AuctionsPage } from "./pages/auctions-page";
import { BidderPage } from "./pages/bidder-page";
import { BiddersPage } from "./pages/bidders-page";
import { IdentityPage } from "./pages/identity-page";
import { MyBidsPage } from "./pages/my-bids-page";
import { NotFoundPage } from "./pages/not-found-page";
import { SellPage } from "./pages/sell-page";
import { StatusPage } from "./pages/status-page";
import { IDENTITY_PATH } from "./session/identity";
import { LeadNotices } from "./shell/lead-notices";
import { NoticesProvider } from "./shell/notices";
import { TabTitle } from "./shell/page-title";
import { Shell } from "./shell/shell";
import "@fontsource-variable/archivo/wdth.css";
import "./design/tokens.css";
import "./design/base.css";
import "./design/controls.css";

const RETRIES_MAX = 2;
const NOT_RETRIED: readonly Code[] = [
  Code.NotFound,
  Code.InvalidArgument,
  Code.Unimplemented,
  Code.Unauthenticated,
  Code.PermissionDenied,
];

/** A client of TanStack Query that retries only errors that a retry may fix. */
export function openQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        retry: (failures, error) => failures < RETRIES_MAX && !NOT_RETRIED.includes(ConnectError.from(error).code),
      },
    },
  });
}

export function App({ live, queries }: { live: Live; queries: QueryClient }) {
  return (
    <LiveProvider live={live}>
      <TransportProvider transport={live.transport}>
        <QueryClientProvider client={queries}>
          <NoticesProvider>
            <LeadNotices />
            <TabTitle />
            <Shell>
              <Switch>
                <Route path="/" component={AuctionsPage} />
                <Route path="/items/:id">{({ id }) => <AuctionPage key={id} itemId={id} />}</Route>
                <Route path="/sell" component={SellPage} />
                <Route path="/my-bids" component={MyBidsPage} />
                <Route path="/bidders" component={BiddersPage} />
                <Route path="/bidders/:id">{({ id }) => <BidderPage key={id} userId={id} />}</Route>
                <Route path="/status" component={StatusPage} />
                <Route path={IDENTITY_PATH} component={IdentityPage} />
                <Route path="/board">
                  <Redirect to="/status" replace />
                </Route>
                <Route component={NotFoundPage} />
              </Switch>
            </Shell>
          </NoticesProvider>
        </QueryClientProvider>
      </TransportProvider>
    </LiveProvider>
  );
}
