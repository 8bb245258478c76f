import type { AdmittedMethod } from '../../contract/admitted-methods.ts';

/** Every method that reaches an upstream, besides calling a tool. What is not named here, or in inbound.ts, is denied. */
export const reachMethods = {
  'resources/list': 'resource',
  'resources/templates/list': 'resource',
  'resources/read': 'resource',
  'prompts/list': 'prompt',
  'prompts/get': 'prompt',
  'completion/complete': 'completion',
  'resources/subscribe': 'subscription',
  'resources/unsubscribe': 'subscription',
  'subscriptions/listen': 'subscription',
} as const satisfies Partial<Record<AdmittedMethod | keyof typeof listKeys, string>>;

export type ReachMethod = keyof typeof reachMethods;

export function isReachMethod(method: string): method is ReachMethod {
  return Object.hasOwn(reachMethods, method);
}

/** The lists. They tell what there is, and are filtered; nothing of the agent's is in them, so no intent is recorded. */
export const listKeys = {
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
  'prompts/list': 'prompts',
} as const;

export type ListMethod = keyof typeof listKeys;

export function isListMethod(method: string): method is ListMethod {
  return Object.hasOwn(listKeys, method);
}
