import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { bareEnvironment } from '../local/bare-environment.ts';
import type { ChildProcess } from '../local/child-process.ts';
import { startNodeProcess } from '../local/node-process.ts';

export interface ProcessPlan {
  readonly name: string;
  readonly main: string;
  /** For Node itself. */
  readonly flags?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** It gets `env` and what a program needs to run, not the environment that we were started in. */
  readonly bare?: boolean;
  readonly stateFolder: string;
  readonly logFile: string;
}

export interface SupervisedProcess {
  readonly name: string;
  /** How often it ended by itself. */
  failures(): number;
  /** The end of its log. */
  lastWords(): string;
  pid(): number;
  /** Asks it to end and lets it stay ended. */
  stop(): Promise<void>;
  /** Starts it again after a stop, or after it was killed with supervision off. */
  start(): Promise<void>;
}

/** Keeps one process of estop running: what dies is started again, at most once a second, and said so once. */
export async function superviseProcess(
  plan: ProcessPlan,
  restart: boolean,
  onEvent: (line: string) => void,
): Promise<SupervisedProcess> {
  let child: ChildProcess | undefined;
  let wanted = true;
  let failures = 0;
  const launch = async (): Promise<void> => {
    const started = await startNodeProcess({
      name: plan.name,
      main: plan.main,
      ...(plan.flags === undefined ? {} : { flags: plan.flags }),
      stateFolder: plan.stateFolder,
      logFile: plan.logFile,
      env: {
        ...(plan.bare === true ? { ...bareEnvironment(), ...settingsIn(process.env) } : process.env),
        ...plan.env,
      },
      graceMs: 8_000,
    });
    child = started;
    void started.exited.then(async (exit) => {
      if (!wanted || child !== started) return;
      failures += 1;
      onEvent(
        `${plan.name} ended (${exit.signal ?? `exit ${exit.code}`})${restart ? ' and is started again' : ''}; see ${plan.logFile}`,
      );
      if (restart) await relaunch(started);
    });
  };
  /** A disk that is full, say, keeps it from being started for a while: that must not end the others. */
  const relaunch = async (dead: ChildProcess): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      await sleep(1_000);
      if (!wanted || child !== dead) return;
      try {
        return await launch();
      } catch (thrown) {
        const why = thrown instanceof Error ? thrown.message : String(thrown);
        if (attempt === 1) onEvent(`${plan.name} cannot be started again (${why}); trying on`);
      }
    }
  };
  await launch();
  return {
    name: plan.name,
    failures: () => failures,
    lastWords: () => readFileSync(plan.logFile, 'utf8').trimEnd().split('\n').slice(-8).join('\n'),
    pid: () => child?.pid ?? 0,
    stop: async () => {
      wanted = false;
      await child?.stop();
    },
    start: async () => {
      wanted = true;
      await child?.stop();
      await launch();
    },
  };
}

/** The variables of ours: no provider's key and no upstream's password has such a name. */
export function settingsIn(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => entry[0].startsWith('ESTOP_') && entry[1] !== undefined,
    ),
  );
}
