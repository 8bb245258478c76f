import { z } from 'zod';
import { EstopYaml } from './schema.ts';

/** For editors: docs/estop.schema.json is this, and a test keeps it so. */
export function configJsonSchema(): object {
  return { title: 'estop.yaml', ...z.toJSONSchema(EstopYaml, { io: 'input', unrepresentable: 'any' }) };
}
