/** What the stop process tells whoever counts. Called after an answer was sent; it must return at once and never throw. */
export interface StopWatch {
  /** `scope`: task, agent, label, fleet .. never a name. */
  placed(scope: string, outcome: string, ms: number): void;
  refused(code: string): void;
  /** Read when figures are shown, from memory alone. */
  show(figures: () => StopFigures): void;
}

export interface StopFigures {
  /** Since the last mark that committed; undefined before the first. */
  readonly beatAgeMs: number | undefined;
  readonly warmLines: number;
  readonly intakeWarm: boolean;
}

export const noWatch: StopWatch = { placed: () => undefined, refused: () => undefined, show: () => undefined };
