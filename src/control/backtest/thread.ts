/** A thread of its own: parsing, Cedar and every decision happen here, so that the loop that serves pages only waits. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { errorCodeOf } from '../../core/errors.ts';
import { Engine } from '../../policy/engine.ts';
import { parsePolicySet } from '../../policy/parse-set.ts';
import { noRun, recordingTester } from '../../policy/recorded-runs.ts';
import type { BacktestOrder, BacktestOutcome } from './order.ts';

const mostUnjudged = 20;

function decideAll({ files, runs, tools, assume, config, mostCalls }: BacktestOrder): BacktestOutcome {
  const parsed = parsePolicySet(files);
  if (!parsed.ok) return { kind: 'not-valid', faults: parsed.faults };
  const unjudged = new Set<string>();
  const engine = new Engine(
    parsed.set,
    (why) => void (unjudged.size < mostUnjudged && unjudged.add(why.slice(0, 300))),
  );
  const test = recordingTester({
    engine,
    tools: tools === undefined ? undefined : { text: tools, where: 'tools' },
    assume,
    config,
    now: Date.now,
    mostCalls,
  });
  const items = [];
  const counts = { runs: 0, allow: 0, ask: 0, deny: 0 };
  for (const [index, line] of runs.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const result = test(line, `runs:${index + 1}`);
    counts.runs += 1;
    for (const decision of result.decisions) counts[decision] += 1;
    items.push(result);
  }
  if (counts.runs === 0) throw noRun('runs');
  return { kind: 'decided', version: engine.version, counts, items, unjudged: [...unjudged] };
}

function outcome(order: BacktestOrder): BacktestOutcome {
  try {
    return decideAll(order);
  } catch (thrown) {
    // Classes do not survive the way between threads; what a caller did wrong is told by its words.
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    switch (errorCodeOf(thrown)) {
      case 'invalid-input':
        return { kind: 'not-read', detail };
      case 'limit-exceeded':
        return { kind: 'too-many', mostCalls: order.mostCalls };
      default:
        return { kind: 'failed', detail };
    }
  }
}

// On Linux this is of this thread alone: whatever else the process does comes first. Elsewhere it would be of the whole process.
if (process.platform === 'linux') setPriority(10);
parentPort?.postMessage(outcome(workerData as BacktestOrder)); // run-in-thread.ts is who starts it
