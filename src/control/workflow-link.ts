import type { WorkflowLink } from '../contract/http/tasks.ts';
import {
  agentTaskWorkflowId,
  drillWorkflowId,
  namespaces,
  revocationWorkflowId,
  stopFanoutWorkflowId,
} from '../contract/names.ts';

type UiUrl = string | undefined;

export const taskLink = (uiUrl: UiUrl, taskId: string): WorkflowLink =>
  link(uiUrl, namespaces.agents, agentTaskWorkflowId(taskId));
export const drillLink = (uiUrl: UiUrl, taskId: string): WorkflowLink =>
  link(uiUrl, namespaces.control, drillWorkflowId(taskId));
export const stopLink = (uiUrl: UiUrl, stopId: string): WorkflowLink =>
  link(uiUrl, namespaces.control, stopFanoutWorkflowId(stopId));
export const revocationLink = (uiUrl: UiUrl, agentId: string, epoch: number, causeId: string): WorkflowLink =>
  link(uiUrl, namespaces.control, revocationWorkflowId(agentId, epoch, causeId));

function link(uiUrl: UiUrl, namespace: string, workflowId: string): WorkflowLink {
  const path = `namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`;
  return { workflowId, namespace, url: uiUrl === undefined ? null : rootOf(uiUrl) + path };
}

/** Of one URL, as a rule: what was parsed once is kept, since a page has a link in each of its rows. */
const roots = new Map<string, string>();

function rootOf(uiUrl: string): string {
  const root = roots.get(uiUrl) ?? new URL('/', uiUrl).href;
  roots.set(uiUrl, root);
  return root;
}
