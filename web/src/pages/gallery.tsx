import type { Item } from "@gavel/client";
import { useState } from "react";
import { ItemPicture } from "../items/item-picture";
import "./gallery.css";

/** An item's pictures: one large, the others to choose from. */
export function Gallery({ item }: { item: Item }) {
  const [chosen, setChosen] = useState(0);
  const { title, category } = item;
  const images = [...new Set(item.images)];
  const index = Math.min(chosen, Math.max(0, images.length - 1));
  return (
    <div className="gallery">
      <div className="gallery__large">
        <ItemPicture
          src={images[index]}
          title={title}
          category={category}
          alt={images.length > 1 ? `${title}, picture ${index + 1}` : title}
        />
      </div>
      {images.length > 1 && (
        <ul className="gallery__row">
          {images.map((src, each) => (
            <li key={src}>
              <button type="button" aria-pressed={each === index} onClick={() => setChosen(each)}>
                <ItemPicture src={src} title={title} category={category} />
                <span className="visually-hidden">{`Picture ${each + 1} of ${images.length}`}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
