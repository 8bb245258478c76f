import type { AgentActivities } from '../contract/activities.ts';
import type { ConfigSource } from '../contract/config.ts';
import type { Log } from '../contract/identity.ts';
import { atBoundary, type FailureWatch } from './boundary.ts';
import { createGatewayClient } from './gateway-client.ts';
import { createKillActivities } from './kill.ts';
import { createModelActivities } from './model.ts';
import { createModelProviders } from './model-provider.ts';
import { createTaskTokens } from './task-tokens.ts';
import { createToolActivities } from './tool.ts';
import { createToolLists } from './tool-list.ts';

export interface AgentActivityDependencies {
  readonly gatewayUrl: string;
  readonly controlUrl: string;
  readonly stopUrl: string;
  /** The worker's own bearer token for control and the stop process. */
  readonly workerToken: () => string;
  readonly config: ConfigSource;
  readonly log: Log;
  readonly onFailure?: FailureWatch | undefined;
}

export function createAgentActivities(dependencies: AgentActivityDependencies): AgentActivities {
  const { config, log, gatewayUrl } = dependencies;
  const tokens = createTaskTokens(dependencies);
  const gateway = createGatewayClient(gatewayUrl, tokens);
  const toolLists = createToolLists(gateway);
  const providers = createModelProviders(gatewayUrl);
  return atBoundary(
    {
      ...createModelActivities({ config, providers, toolLists, tokens }),
      ...createToolActivities(gateway),
      ...createKillActivities(dependencies),
    },
    log,
    dependencies.onFailure,
  );
}
