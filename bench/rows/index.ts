import type { Row } from '../row.ts';
import { afterFenced } from './after-fenced.ts';
import { agentSteps } from './agent-steps.ts';
import { cliStop } from './cli-stop.ts';
import { consoleStop } from './console-stop.ts';
import { demo } from './demo.ts';
import { failingLanes } from './failing-lanes.ts';
import { gateMemory } from './gate-memory.ts';
import { gatedCalls } from './gated-calls.ts';
import { inFlightAbort } from './in-flight-abort.ts';
import { killToClosed } from './kill-to-closed.ts';
import { manyTasks } from './many-tasks.ts';
import { memory } from './memory.ts';
import { modelGate } from './model-gate.ts';
import { policyDecision } from './policy-decision.ts';
import { stopLatched } from './stop-latched.ts';
import { watching } from './watchers.ts';

/**
 * In this order: what starts a system of its own; then, in one system, what it is while nobody asks for anything; what measures
 * calls, first what a gateway holds before it has seen any crowd; then what leaves stops behind, each of which is worked on for
 * seconds after it was measured; the heaviest last, which takes longest to set up while that goes on.
 */
export const rows: readonly Row[] = [
  policyDecision,
  demo,
  memory,
  modelGate,
  agentSteps,
  gateMemory,
  gatedCalls,
  consoleStop,
  cliStop,
  inFlightAbort,
  afterFenced,
  killToClosed,
  stopLatched,
  watching,
  failingLanes,
  manyTasks,
];
