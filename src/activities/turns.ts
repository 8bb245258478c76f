/**
 * How much one process asks of one system at a time: as much as that system bears, whoever asks. What cuts goes first: a lane that goes
 * alone, then the first passes of a crowd, and behind all of them its last probes.
 */
export interface Turns {
  run<Result>(turn: Turn, work: () => Promise<Result>): Promise<Result>;
}

export interface Turn {
  readonly connector: string;
  /** How many at a time. It may change while somebody waits. */
  readonly width: number;
  readonly rank: 'first' | 'next' | 'later';
}

interface Line {
  running: number;
  width: number;
  readonly first: (() => void)[];
  readonly next: (() => void)[];
  readonly later: (() => void)[];
}

export function createTurns(): Turns {
  const lines = new Map<string, Line>();
  const lineOf = ({ connector, width }: Turn): Line => {
    const line = lines.get(connector) ?? { running: 0, width, first: [], next: [], later: [] };
    lines.set(connector, line);
    line.width = width;
    return line;
  };
  return {
    run: async (turn, work) => {
      const line = lineOf(turn);
      await new Promise<void>((begin) => {
        line[turn.rank].push(begin);
        letIn(line);
      });
      try {
        return await work();
      } finally {
        line.running -= 1;
        letIn(line);
      }
    },
  };
}

function letIn(line: Line): void {
  while (line.running < line.width) {
    const begin = line.first.shift() ?? line.next.shift() ?? line.later.shift();
    if (begin === undefined) return;
    line.running += 1;
    begin();
  }
}
