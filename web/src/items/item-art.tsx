import {
  Armchair,
  Bike,
  BookOpen,
  Camera,
  Car,
  Coffee,
  Compass,
  Flower2,
  Gamepad2,
  Gem,
  Guitar,
  HeartHandshake,
  type LucideIcon,
  Package,
  Palette,
  Shirt,
  ToyBrick,
  Watch,
  Wine,
} from "lucide-react";
import { hashOf } from "../session/pseudonym";

const KNOWN: Readonly<Record<string, readonly [LucideIcon, number]>> = {
  antiques: [Compass, 62],
  art: [Palette, 325],
  books: [BookOpen, 28],
  cars: [Car, 235],
  charity: [HeartHandshake, 8],
  electronics: [Camera, 262],
  fashion: [Shirt, 345],
  games: [Gamepad2, 290],
  garden: [Flower2, 130],
  home: [Armchair, 48],
  jewelry: [Gem, 205],
  kitchen: [Coffee, 78],
  music: [Guitar, 275],
  sports: [Bike, 155],
  toys: [ToyBrick, 95],
  watches: [Watch, 220],
  wine: [Wine, 355],
};

const CELL = 100;
const COLUMNS = 4;
const ROWS = 3;

// The shapes of a cell of 100 by 100: quarters, halves and discs.
const SHAPES = [
  "M0 0H100A100 100 0 0 1 0 100Z",
  "M100 0V100A100 100 0 0 1 0 0Z",
  "M100 100H0A100 100 0 0 1 100 0Z",
  "M0 100V0A100 100 0 0 1 100 100Z",
  "M0 50A50 50 0 0 1 100 50Z",
  "M50 10A40 40 0 1 1 50 90A40 40 0 1 1 50 10Z",
  "M0 0H50V100H0Z",
  "",
];

/** A generated picture for an item without one: a tile pattern and the icon of its category. Decorative. */
export function ItemArt({ title, category }: { title: string; category: string }) {
  const known = KNOWN[category.toLowerCase()];
  const [Icon, hue] = known ?? [Package, hashOf(`category ${category}`) % 360];
  const shade = (lightness: number, chroma: number, turn = 0): string =>
    `oklch(${lightness} ${chroma} ${(hue + turn) % 360})`;
  const ground = shade(0.42, 0.085);
  const inks = [shade(0.52, 0.1), shade(0.72, 0.11, 18), shade(0.33, 0.065), shade(0.85, 0.07, 32)];
  return (
    <svg className="item-art" viewBox="0 0 400 300" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      <rect width="400" height="300" fill={ground} />
      {Array.from({ length: COLUMNS * ROWS }, (_, cell) => {
        const roll = hashOf(`${title} ${category} ${cell}`);
        return (
          <path
            // biome-ignore lint/suspicious/noArrayIndexKey: a cell has no other identity
            key={cell}
            d={SHAPES[roll % SHAPES.length]}
            fill={inks[(roll >>> 8) % inks.length]}
            transform={`translate(${(cell % COLUMNS) * CELL} ${Math.floor(cell / COLUMNS) * CELL})`}
          />
        );
      })}
      <circle cx="200" cy="150" r="82" fill={ground} />
      <circle cx="200" cy="150" r="72" fill={shade(0.94, 0.035, 24)} />
      <Icon x={162} y={112} width={76} height={76} strokeWidth={1.4} color={shade(0.33, 0.075)} />
    </svg>
  );
}
