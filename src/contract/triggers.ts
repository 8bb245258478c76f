/** `triggers:` of estop.yaml, parsed. The schema is src/runtime/config/triggers-schema.ts. */
import type { TriggerRule, TriggerSource } from '../core/trigger.ts';
import type { SecretAt } from './config.ts';

export interface TriggerSpec {
  readonly triggerId: string;
  readonly from: TriggerSource;
  /** Of signed webhooks: any of them may have signed. */
  readonly secrets: readonly SecretAt[];
  /** Of Alertmanager, which signs nothing: what it sends along. */
  readonly bearer?: SecretAt;
  /** Of somebody who may stop: how a stop is ordered at the stop process while the store is away. */
  readonly outageToken?: SecretAt;
  /** The first that fits is the one that counts. */
  readonly rules: readonly TriggerRule[];
}
