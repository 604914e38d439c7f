import { TlpKind } from '../pcie/index.ts';

/** Whether a TLP of this kind has a payload. */
export function carriesData(kind: TlpKind): boolean {
  return kind === TlpKind.MEMORY_WRITE || kind === TlpKind.COMPLETION_DATA || kind === TlpKind.CONFIG_WRITE;
}

/** Whether it answers a request. */
export function isCompletion(kind: TlpKind): boolean {
  return kind === TlpKind.COMPLETION || kind === TlpKind.COMPLETION_DATA;
}

/** Whether a request wants a completion. */
export function isNonPosted(kind: TlpKind): boolean {
  return kind === TlpKind.MEMORY_READ || kind === TlpKind.CONFIG_READ || kind === TlpKind.CONFIG_WRITE;
}
