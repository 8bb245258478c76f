/** What the `Date` of an answer can tell: it has whole seconds, and was on its way. */
const tellsMs = 5_000;

export interface ServerClock {
  hear(date: string | undefined): void;
  /** The time as whoever wrote the times has it: by a clock of this machine that is off, what is past would be said to come. */
  now(): number;
}

export function createServerClock(own: () => number = Date.now): ServerClock {
  let ahead = 0;
  return {
    hear: (date) => {
      const difference = own() - Date.parse(date ?? '');
      if (!Number.isNaN(difference)) ahead = Math.abs(difference) > tellsMs ? difference : 0;
    },
    now: () => own() - ahead,
  };
}
