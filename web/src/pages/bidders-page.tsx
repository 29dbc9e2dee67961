import { useQuery } from "@connectrpc/connect-query";
import { UserStatsService } from "@gavel/client";
import { Bidder } from "../items/bidder";
import { useHouseCurrency } from "../live/use-items";
import { formatMoney } from "../money/money";
import { usePageTitle } from "../shell/page-title";
import { Failed, Loading } from "../ui/loading";
import "./bidders-page.css";

const REFETCH_MS = 5_000;

/** The bidders who have won the most. */
export function BiddersPage() {
  usePageTitle("Bidders");
  const currency = useHouseCurrency() ?? "USD";
  const { data, isPending, error, refetch } = useQuery(
    UserStatsService.method.listTopBidders,
    { pageSize: 50 },
    { refetchInterval: REFETCH_MS },
  );
  return (
    <div className="page">
      <div className="page__head">
        <h1>Top bidders</h1>
        <p className="muted">Ranked by the total price of the items they won. Bidders are shown under a pseudonym.</p>
      </div>
      {isPending && <Loading what="bidders" />}
      {error && !data && <Failed error={error} retry={() => void refetch()} />}
      {data?.users.length === 0 && (
        <div className="empty">
          <strong>No bids yet.</strong>
        </div>
      )}
      {data && data.users.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a table that scrolls sideways must be reached by keyboard
        <section className="sheet bidders" aria-label="Top bidders" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Rank</th>
                <th scope="col">Bidder</th>
                <th scope="col">Won for</th>
                <th scope="col">Items won</th>
                <th scope="col">Bids</th>
                <th scope="col">Highest bid</th>
              </tr>
            </thead>
            <tbody className="numbers">
              {data.users.map((user, index) => (
                <tr key={user.userId}>
                  <td>{user.amountWon > 0n ? index + 1 : "–"}</td>
                  <th scope="row">
                    <Bidder userId={user.userId} />
                  </th>
                  <td>{formatMoney(user.amountWon, currency)}</td>
                  <td>{String(user.itemsWon)}</td>
                  <td>{String(user.totalBids)}</td>
                  <td>{formatMoney(user.highestBid, currency)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </div>
  );
}
