import type { AgentActivities } from '../contract/activities.ts';
import type { ConfigSource } from '../contract/config.ts';
import type { Log } from '../contract/identity.ts';
import { atBoundary, type FailureWatch } from './boundary.ts';
import { toldLate } from './cut-off.ts';
import { createGatewayClient } from './gateway-client.ts';
import { beating } from './heartbeat.ts';
import { createKillActivities } from './kill.ts';
import { createCallModel } from './model.ts';
import { createModelProviders } from './model-provider.ts';
import { createStep } from './step.ts';
import { createTaskTokens } from './task-tokens.ts';
import { createCallTool } from './tool.ts';
import { createToolLists } from './tool-list.ts';

export interface AgentActivityDependencies {
  readonly gatewayUrl: string;
  readonly controlUrl: string;
  readonly stopUrl: string;
  /** The worker's own bearer token for control and the stop process. */
  readonly workerToken: () => string;
  readonly config: ConfigSource;
  /** How many of these its worker runs at a time. */
  readonly slots: number;
  /** Whether its worker is asked to end. */
  readonly isEnding: () => boolean;
  readonly log: Log;
  readonly onFailure?: FailureWatch | undefined;
}

export function createAgentActivities(dependencies: AgentActivityDependencies): AgentActivities {
  const { config, log, gatewayUrl, slots, isEnding } = dependencies;
  const tokens = createTaskTokens(dependencies);
  const gateway = createGatewayClient(gatewayUrl, tokens);
  const toolLists = createToolLists(gateway, tokens);
  const providers = createModelProviders(gatewayUrl);
  const callModel = createCallModel({ config, providers, toolLists, tokens });
  const callTool = createCallTool(gateway);
  // Inside the beating: what is told late beats until it is told, with what the call came to, for this worker may die meanwhile.
  const late = toldLate({ callModel, callTool, step: createStep({ callTool, callModel }) }, { slots, isEnding });
  return atBoundary(
    {
      callModel: (question) => beating((signal) => late.callModel(question, signal)),
      callTool: (order) => beating((signal) => late.callTool(order, signal)),
      callToolThenModel: (order) => beating((signal, keep) => late.step(order, signal, keep)),
      ...createKillActivities(dependencies),
    },
    log,
    dependencies.onFailure,
  );
}
