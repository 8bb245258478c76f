import { type ChildProcess, spawn } from 'node:child_process';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { HijackedReport, Rampage } from './hijacked-agent.ts';

export interface Hijacked {
  readonly pid: number;
  reports(): ReadonlyMap<string, HijackedReport>;
  end(): Promise<void>;
}

/** A process of its own, so that nothing the demo or estop does in its own process can stop it. */
export function hijack(rampage: Rampage): Hijacked {
  const here = fileURLToPath(import.meta.url);
  const child: ChildProcess = spawn(
    process.execPath,
    [here.replace(/hijacked\.(ts|js)$/, `hijacked-agent${extname(here)}`)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const latest = new Map<string, HijackedReport>();
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const report = JSON.parse(line) as HijackedReport; // written by hijacked-agent.ts
      latest.set(report.label, report);
    });
  }
  child.stdin?.write(`${JSON.stringify(rampage)}\n`);
  return {
    pid: child.pid ?? 0,
    reports: () => latest,
    end: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        if (child.exitCode !== null || child.signalCode !== null) resolve();
        child.kill('SIGKILL');
      }),
  };
}
