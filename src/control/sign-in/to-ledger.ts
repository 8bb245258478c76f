import { defaultSignIn, type EstopConfig } from '../../contract/config.ts';
import { mandatesOf, personNamed } from '../../core/mandate.ts';
import type { NamedPerson } from '../../store/sign-ins.ts';
import type { NamedByProvider } from './identity-provider.ts';

/** With what estop.yaml gives them at this moment. */
export function toLedger({ issuer, subject, name, groups }: NamedByProvider, config: EstopConfig): NamedPerson {
  const { roles, persons } = config.signIn ?? defaultSignIn;
  const mandates = mandatesOf({ names: [name, `sub:${subject}`], groups }, roles);
  return { issuer, subject, name, person: personNamed(name, persons), groups, mandates };
}
