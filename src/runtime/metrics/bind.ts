const pattern = /^(?:\[([0-9a-fA-F:]+)\]|([^\s:/[\]]+)):([0-9]{1,5})$/;

/** host:port, both of them said: figures are shown where somebody decided so, and never by default. */
export const isBind = (text: string): boolean => pattern.test(text) && Number(pattern.exec(text)?.[3]) <= 65_535;

/** Of what `isBind` has let through. */
export function parseBind(text: string): { readonly host: string; readonly port: number } {
  const [, six, name, port] = pattern.exec(text) ?? [];
  return { host: six ?? name ?? '127.0.0.1', port: Number(port ?? 0) };
}
