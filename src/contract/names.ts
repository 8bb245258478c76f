/**
 * Every name that crosses a process by way of Temporal: namespaces, queues, workflow types and ids, messages, search attributes.
 * A workflow id is a function and, where somebody reads ids back, its inverse.
 */
export const namespaces = { agents: 'estop-agents', control: 'estop-control' } as const;

export const queues = {
  /** estop-agents: workflow tasks of agentTask, and activities that run agent code. Holds no credential for the control namespace. */
  agent: 'agent',
  /** estop-agents: activities with a store connection (begin, latch, mint, end). Never runs agent code. */
  trusted: 'trusted',
  /** estop-control: workflow tasks of revocation, lanes, fan-out, intake; and their store activities. */
  control: 'control',
  /** estop-control: telling people. A queue of its own, so that an endpoint that hangs holds up nothing of a stop. */
  notify: 'notify',
} as const;

/** estop-control: one queue per connector, so that a hung system holds only its own slots. */
export const connectorQueue = (connectorId: string): string => `connector-${connectorId}`;

export const workflowTypes = {
  agentTask: 'agentTask',
  agentSession: 'agentSession',
  stopIntake: 'stopIntake',
  stopFanout: 'stopFanout',
  revocation: 'revocation',
  revocationLanes: 'revocationLanes',
  notify: 'notify',
  drill: 'drill',
} as const;

/** Those whose workflows have an id of agentTaskWorkflowId, as a list for Temporal's visibility. */
export const taskWorkflowTypes = `('${workflowTypes.agentTask}', '${workflowTypes.agentSession}')`;

export const agentTaskWorkflowId = (taskId: string): string => `task/${taskId}`;
export const taskIdOfWorkflow = (workflowId: string): string | undefined => /^task\/(.+)$/.exec(workflowId)?.[1];
export const stopIntakeWorkflowId = (environment: string): string => `stop-intake/${environment}`;
export const stopFanoutWorkflowId = (stopId: string): string => `stop-fanout/${stopId}`;
export const drillWorkflowId = (taskId: string): string => `drill/${taskId}`;
/** What stands where the agent of a task does. It is no id of an agent: those have no slash. */
export const drillAgent = (connectorId: string): string => `drill/${connectorId}`;
export const drilledConnector = (agentId: string): string | undefined => /^drill\/(.+)$/.exec(agentId)?.[1];
/** Where the console shows a connector. */
export const connectorPath = (connectorId: string): string =>
  `/connectors#connector-${encodeURIComponent(connectorId)}`;
/** A notice that is told already is not told again: one workflow for one id. */
export const notifyWorkflowId = (noticeId: string): string => `notify/${noticeId}`;
/** For a task that merely ended, `causeId` is `end:<taskId>` and the epoch that of its opening. */
export const revocationWorkflowId = (agentId: string, epoch: number, causeId: string): string =>
  `revocation/${agentId}/${epoch}/${causeId}`;

export const signals = {
  kill: 'kill',
  approve: 'approve',
  hold: 'hold',
  release: 'release',
  order: 'order',
  close: 'close',
  want: 'want',
  again: 'again',
} as const;
export const updates = { receipt: 'receipt' } as const;
export const queries = { status: 'status', timeline: 'timeline' } as const;

/** Never encoded by a payload codec: ids and states only, no content. */
export const searchAttributes = {
  agent: 'EstopAgent',
  task: 'EstopTask',
  rootTask: 'EstopRootTask',
  epoch: 'EstopEpoch',
  state: 'EstopState',
  stop: 'EstopStop',
} as const;

/** PostgreSQL LISTEN channel: a hint that a stop or reset was committed. Losing it costs at most one renewal period. */
export const stopHintChannel = 'estop_stops';
