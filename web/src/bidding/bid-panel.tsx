import { type Item, type MyBid, ReserveState } from "@gavel/client";
import { TimerReset, Trophy } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { canBuyNow, endMs, isLedBy, type Phase, shownPrice, startMs } from "../auction/phase";
import { Bidder } from "../items/bidder";
import { Countdown, useCountdown, usePhase } from "../items/countdown";
import { priceLabel } from "../items/item-card";
import { Price } from "../items/price";
import { useIdentity, useLive } from "../live/live-context";
import { formatMoney } from "../money/money";
import { TokenSession } from "../session/token-session";
import { Amount } from "../ui/amount";
import { localTime } from "../ui/local-time";
import { BidForm } from "./bid-form";
import { BuyNow } from "./buy-now";
import { SellerPanel } from "./seller-panel";
import "./bid-panel.css";

type BidPanelProps = {
  item: Item;
  /** What the user has bid on it, if anything. */
  mine: MyBid | undefined;
};

/** The price, the countdown, and the form or message that fits the phase and the user. */
export function BidPanel({ item, mine }: BidPanelProps) {
  const phase = usePhase(item);
  const { userId } = useIdentity();
  const isOver = phase === "sold" || phase === "unsold" || phase === "cancelled";
  const position = isLedBy(item, userId) ? "leading" : mine ? "outbid" : null;
  return (
    <section className="bid-panel sheet" aria-label="Bidding">
      <div className="bid-panel__now">
        <div className="bid-panel__price">
          <p className="label">{priceLabel(phase, Number(item.bidCount))}</p>
          <p>
            <Price amount={shownPrice(item)} currency={item.currency} />
          </p>
        </div>
        {!isOver && <TimeLeft item={item} />}
        <Leader item={item} phase={phase} isOutbid={phase === "open" && position === "outbid"} />
        {!isOver && <Clock item={item} phase={phase} />}
      </div>
      <SpokenPrice item={item} />
      {isOver || phase === "closing" ? (
        <OutcomeMessage item={item} phase={phase} />
      ) : item.sellerId === userId ? (
        <SellerPanel item={item} />
      ) : userId === "" ? (
        <SignInToBid />
      ) : phase === "open" ? (
        <>
          <BidForm
            key={userId}
            item={item}
            maximum={mine?.maxAmount ?? 0n}
            position={position && (position === "leading" ? "Leading" : "Outbid")}
          />
          {canBuyNow(item, phase) && <BuyNow item={item} />}
        </>
      ) : (
        <p className="message">
          <span>
            The least bid will be <Amount minor={item.minimumNextBid} currency={item.currency} />.
          </span>
        </p>
      )}
    </section>
  );
}

/** The countdown. In the last seconds the auctioneer's call takes the place of its label. */
function TimeLeft({ item }: { item: Item }) {
  const { phase, call } = useCountdown(item);
  return (
    <div className="bid-panel__time">
      <p className={call ? "label bid-panel__call" : "label"}>
        {phase === "scheduled" ? "Bidding opens" : (call ?? "Time left")}
      </p>
      <p>
        <Countdown item={item} />
      </p>
    </div>
  );
}

type LeaderProps = { item: Item; phase: Phase; isOutbid: boolean };

/** Who leads, on a line that never wraps: a long name is cut. */
function Leader({ item, phase, isOutbid }: LeaderProps) {
  const { userId } = useIdentity();
  const bids = Number(item.bidCount);
  return (
    <>
      <div className="bid-panel__leader">
        {bids === 0 ? (
          <span className="muted">No bids yet</span>
        ) : isLedBy(item, userId) && phase === "open" ? (
          <span className="tag tag--lead">You lead</span>
        ) : (
          <>
            {isOutbid && <span className="tag tag--alarm">You've been outbid</span>}
            <span className="bid-panel__bidder">
              <Bidder userId={item.highestBidderId} /> {phase === "open" ? "leads" : ""}
            </span>
          </>
        )}
        {bids > 0 && (
          <span className="bid-panel__bids muted small numbers">
            {bids === 1 ? "1 bid" : `${bids.toLocaleString("en")} bids`}
          </span>
        )}
      </div>
      {item.reserveState === ReserveState.NOT_MET && <span className="tag tag--hammer">Reserve not met</span>}
      {item.reserveState === ReserveState.MET && <span className="tag">Reserve met</span>}
    </>
  );
}

function SignInToBid() {
  const { session } = useLive();
  return (
    session instanceof TokenSession && (
      <button type="button" className="button button--primary button--big button--wide" onClick={session.signIn}>
        Sign in to bid
      </button>
    )
  );
}

/** When the auction ends, and whether late bids have extended it: two lines at all times. */
function Clock({ item, phase }: { item: Item; phase: Phase }) {
  const extensions = useExtensions(item);
  const window = item.softClose?.windowSeconds ?? 0;
  return (
    <div className="bid-panel__clock small muted">
      <p>{phase === "scheduled" ? `Opens ${localTime(startMs(item))}.` : `Ends ${localTime(endMs(item))}.`}</p>
      {window > 0 && (
        <div className="bid-panel__late" aria-live="polite">
          {extensions > 0 ? (
            <p key={extensions} className="tag tag--hammer bid-panel__extension">
              <TimerReset size={15} aria-hidden="true" />
              {extensions === 1 ? "Extended by a late bid" : `Extended ${extensions} times by late bids`}
            </p>
          ) : (
            "Late bids extend this."
          )}
        </div>
      )}
    </div>
  );
}

/** How often the end has moved while this component was shown. */
function useExtensions(item: Item): number {
  const end = endMs(item);
  const latest = useRef(end);
  const [extensions, setExtensions] = useState(0);
  useEffect(() => {
    if (end > latest.current) {
      latest.current = end;
      setExtensions((count) => count + 1);
    }
  }, [end]);
  return extensions;
}

/** The newest price for screen readers, announced no more often than one can listen. */
function SpokenPrice({ item }: { item: Item }) {
  const spoken = `${formatMoney(shownPrice(item), item.currency)}, ${item.bidCount} bids`;
  const [announced, setAnnounced] = useState("");
  const [first] = useState(spoken);
  useEffect(() => {
    const timer = setTimeout(() => setAnnounced(spoken === first ? "" : `Now at ${spoken}`), 1_500);
    return () => clearTimeout(timer);
  }, [spoken, first]);
  return (
    <p className="visually-hidden" role="status">
      {announced}
    </p>
  );
}

function OutcomeMessage({ item, phase }: { item: Item; phase: Phase }) {
  const { userId } = useIdentity();
  const { outcome } = item;
  const isMine = outcome?.sold && outcome.winnerId === userId;
  return (
    <div
      className={`outcome message ${isMine ? "message--lead" : phase === "sold" ? "message--hammer" : ""}`}
      role="status"
    >
      {phase === "closing" && <strong>Time is up. Closing the auction…</strong>}
      {phase === "cancelled" && <strong>The seller cancelled this auction.</strong>}
      {phase === "unsold" && <strong>Not sold</strong>}
      {phase === "unsold" && <p>{item.bidCount > 0n ? "The reserve was not met." : "There were no bids."}</p>}
      {phase === "sold" && outcome && (
        <>
          <strong>
            <Trophy size={20} aria-hidden="true" />
            {isMine ? "You won!" : "Sold"}
          </strong>
          <p>
            {isMine ? "The item is yours for " : <Bidder userId={outcome.winnerId} />}
            {!isMine && " won it for "}
            <Amount minor={outcome.amount} currency={item.currency} />.
          </p>
        </>
      )}
    </div>
  );
}
