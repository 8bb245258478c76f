/** `notifications:` of estop.yaml, parsed. The schema is src/runtime/config/notifications-schema.ts. */
import type { EscalationRules } from '../core/notice.ts';
import type { SecretAt } from './config.ts';
import type { Role } from './identity.ts';

interface EndpointBase {
  readonly endpointId: string;
  /** What it hears of; an event, or `stop.*` for all of a kind. What only escalation reaches hears of nothing by itself. */
  readonly events: readonly string[];
  /** How far away it may be. */
  readonly network: 'public' | 'private' | 'loopback';
}

/** Signed as https://www.standardwebhooks.com says. */
export interface WebhookEndpoint extends EndpointBase {
  readonly type: 'webhook';
  readonly url: string;
  /** The newest first. All of them sign, so that a receiver may hold any. */
  readonly secrets: readonly SecretAt[];
}

/** Who may press a button in a chat, as which of our identities. Nobody else may, whoever can see the channel. */
export interface ChatPerson {
  readonly userId: string;
  readonly actor: string;
  readonly roles: readonly Role[];
}

export interface ChatButtons {
  readonly signingSecret: SecretAt;
  readonly teamId: string;
  readonly people: readonly ChatPerson[];
}

/** One message for each subject, changed in place. */
export interface SlackEndpoint extends EndpointBase {
  readonly type: 'slack';
  readonly baseUrl: string;
  readonly token: SecretAt;
  readonly channel: string;
  readonly buttons?: ChatButtons;
}

export type EndpointSpec = WebhookEndpoint | SlackEndpoint;

export interface NotificationsSpec {
  readonly endpoints: readonly EndpointSpec[];
  readonly escalation: EscalationRules;
  /** More stops than this within that time raise an alarm instead of a notice each. */
  readonly crowd: { readonly stops: number; readonly withinMs: number };
}
