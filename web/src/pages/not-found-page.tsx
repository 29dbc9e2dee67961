import { Link } from "wouter";
import { usePageTitle } from "../shell/page-title";

export function NotFoundPage() {
  usePageTitle("Not found");
  return (
    <div className="page">
      <h1>There is nothing here</h1>
      <div className="empty">
        <strong>The address leads nowhere.</strong>
        <Link href="/" className="button button--primary">
          See all auctions
        </Link>
      </div>
    </div>
  );
}
