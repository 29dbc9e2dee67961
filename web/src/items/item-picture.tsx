import { useState } from "react";
import { ItemArt } from "./item-art";
import "./item-picture.css";

/** An item's picture, or a generated one if it has none or the browser can't load it. */
export function ItemPicture({
  src,
  title,
  category,
  alt = "",
}: {
  src: string | undefined;
  title: string;
  category: string;
  alt?: string;
}) {
  const [failedSrc, setFailedSrc] = useState<string>();
  if (!src || src === failedSrc) {
    return <ItemArt title={title} category={category} />;
  }
  return (
    <img
      className="item-photo"
      src={src}
      alt={alt}
      loading="lazy"
      decoding="async"
      referrerPolicy="no-referrer"
      onError={() => setFailedSrc(src)}
    />
  );
}
