import { Monitor, Moon, Sun } from "lucide-react";
import { useState } from "react";

type Theme = "system" | "light" | "dark";

const STORAGE_KEY = "gavel.theme";
const NEXT: Readonly<Record<Theme, Theme>> = { system: "light", light: "dark", dark: "system" };
const ICONS = { system: Monitor, light: Sun, dark: Moon };
const NAMES = { system: "as the system", light: "light", dark: "dark" };

function keptTheme(): Theme {
  const kept = readKept();
  return kept === "light" || kept === "dark" ? kept : "system";
}

function readKept(): string | null {
  try {
    return localStorage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}

/** Apply the stored theme, before the first rendering. */
export function applyTheme(theme: Theme = keptTheme()): void {
  if (theme === "system") {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = theme;
  }
}

export function ThemeButton() {
  const [theme, setTheme] = useState(keptTheme);
  const Icon = ICONS[theme];
  const change = (): void => {
    const next = NEXT[theme];
    setTheme(next);
    applyTheme(next);
    try {
      localStorage.setItem(STORAGE_KEY, next);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  };
  return (
    <button type="button" className="icon-button" onClick={change} title={`Colours: ${NAMES[theme]}`}>
      <Icon size={20} aria-hidden="true" />
      <span className="visually-hidden">{`Colours: ${NAMES[theme]}. Change to ${NAMES[NEXT[theme]]}`}</span>
    </button>
  );
}
