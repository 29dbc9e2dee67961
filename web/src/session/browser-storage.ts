/** Read a value that this browser keeps for all tabs. Null if there is none, or if the browser forbids storage. */
export function readStored(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

/** Keep a value for all tabs; null removes it. If the browser forbids that, the value lasts as long as the page. */
export function store(key: string, value: object | null): void {
  try {
    value ? localStorage.setItem(key, JSON.stringify(value)) : localStorage.removeItem(key);
  } catch {
    // The page works without storage.
  }
}

/** Call `listener` when another tab has changed the value. */
export function onStoredByOtherTab(key: string, listener: () => void): void {
  window.addEventListener("storage", (event) => {
    // A null key: everything was removed.
    if (event.key === key || event.key === null) {
      listener();
    }
  });
}
