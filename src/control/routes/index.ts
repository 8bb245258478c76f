import type { Endpoint } from '../endpoint.ts';
import { acceptRisk } from './accept-risk.ts';
import { acceptTool } from './accept-tool.ts';
import { acknowledgeNotices } from './acknowledge-notices.ts';
import { activatePolicies } from './activate-policies.ts';
import { askElevation } from './ask-elevation.ts';
import { checkPolicies } from './check-policies.ts';
import { closeSession } from './close-session.ts';
import { decideApproval } from './decide-approval.ts';
import { disablePerson } from './disable-person.ts';
import { drillConnector } from './drill-connector.ts';
import { enablePerson } from './enable-person.ts';
import { endElevation } from './end-elevation.ts';
import { endSignIn } from './end-sign-in.ts';
import { getAgent } from './get-agent.ts';
import { getApproval } from './get-approval.ts';
import { getApprovalContext } from './get-approval-context.ts';
import { getConfig } from './get-config.ts';
import { getDiagnosis } from './get-diagnosis.ts';
import { getElevation } from './get-elevation.ts';
import { getPolicies } from './get-policies.ts';
import { getStop } from './get-stop.ts';
import { getStopTimeline } from './get-stop-timeline.ts';
import { getTask } from './get-task.ts';
import { getTaskHistory } from './get-task-history.ts';
import { getTaskTree } from './get-task-tree.ts';
import { getTool } from './get-tool.ts';
import { grantElevation } from './grant-elevation.ts';
import { holdTask } from './hold-task.ts';
import { issueTaskToken } from './issue-task-token.ts';
import { listAgents } from './list-agents.ts';
import { listApiTokens } from './list-api-tokens.ts';
import { listApprovals } from './list-approvals.ts';
import { exportAudit, listAudit } from './list-audit.ts';
import { listBreakers } from './list-breakers.ts';
import { listBudgets } from './list-budgets.ts';
import { listConnectors } from './list-connectors.ts';
import { listElevations } from './list-elevations.ts';
import { listNotices } from './list-notices.ts';
import { listObligations } from './list-obligations.ts';
import { listPeople } from './list-people.ts';
import { listPlaybooks } from './list-playbooks.ts';
import { listRunning } from './list-running.ts';
import { listSecrets } from './list-secrets.ts';
import { listSignIns } from './list-sign-ins.ts';
import { listStops } from './list-stops.ts';
import { listTasks } from './list-tasks.ts';
import { listTools } from './list-tools.ts';
import { makeApiToken } from './make-api-token.ts';
import { makeLoginLink } from './make-login-link.ts';
import { noteStop } from './note-stop.ts';
import { openSession } from './open-session.ts';
import { orderStop } from './order-stop.ts';
import { previewStop } from './preview-stop.ts';
import { proceedPhase } from './proceed-phase.ts';
import { releaseTask } from './release-task.ts';
import { removeSecret } from './remove-secret.ts';
import { resetBreaker } from './reset-breaker.ts';
import { resetStop } from './reset-stop.ts';
import { reviewElevation } from './review-elevation.ts';
import { revokeApiToken } from './revoke-api-token.ts';
import { rollBackPolicies } from './roll-back-policies.ts';
import { rotateSecret } from './rotate-secret.ts';
import { setSecret } from './set-secret.ts';
import { startTask } from './start-task.ts';
import { streamEvents } from './stream-events.ts';
import { testNotice } from './test-notice.ts';
import { testPlaybook } from './test-playbook.ts';
import { testPolicies } from './test-policies.ts';
import { whoAmI } from './who-am-i.ts';

/** One line per endpoint. The app, the OpenAPI document and the tests of roles are made from it. */
export const endpoints: readonly Endpoint[] = [
  startTask,
  openSession,
  closeSession,
  listTasks,
  getTask,
  getTaskHistory,
  getTaskTree,
  holdTask,
  releaseTask,
  issueTaskToken,
  listRunning,
  listAgents,
  getAgent,
  listBudgets,
  listBreakers,
  resetBreaker,
  getConfig,
  getPolicies,
  checkPolicies,
  testPolicies,
  activatePolicies,
  rollBackPolicies,
  orderStop,
  listStops,
  previewStop,
  getStop,
  getStopTimeline,
  noteStop,
  listObligations,
  resetStop,
  acceptRisk,
  listApprovals,
  getApproval,
  getApprovalContext,
  decideApproval,
  listConnectors,
  drillConnector,
  getDiagnosis,
  listTools,
  getTool,
  acceptTool,
  listSecrets,
  setSecret,
  rotateSecret,
  removeSecret,
  makeLoginLink,
  listPlaybooks,
  testPlaybook,
  proceedPhase,
  listNotices,
  acknowledgeNotices,
  testNotice,
  listAudit,
  exportAudit,
  whoAmI,
  listPeople,
  disablePerson,
  enablePerson,
  listSignIns,
  endSignIn,
  listApiTokens,
  makeApiToken,
  revokeApiToken,
  askElevation,
  listElevations,
  getElevation,
  grantElevation,
  endElevation,
  reviewElevation,
  streamEvents,
];
