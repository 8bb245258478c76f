import { recordAgentTasks } from './record-agent-tasks.ts';
import { recordNotices } from './record-notices.ts';
import { recordStops } from './record-stops.ts';
import type { Scenario } from './scenario.ts';

export const scenarios: readonly Scenario[] = [recordAgentTasks, recordStops, recordNotices];
