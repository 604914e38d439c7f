import { isMemoryType, TLP_TYPES, type TlpType } from './tlp-types.ts';

/** Types of TLPs whose headers have the same fields. */
export const TlpGroup = { MEMORY: 0, ATOMIC: 1, REGISTER: 2, MESSAGE: 3, COMPLETION: 4 } as const;
export type TlpGroup = (typeof TlpGroup)[keyof typeof TlpGroup];

/** What encoder and parser know of a type of TLP. */
export interface TlpFormat {
  readonly kind: TlpType;
  readonly group: TlpGroup;
  /** First byte of the header in its shorter form; of messages without r[2:0]. */
  readonly first: number;
  readonly carriesData: boolean;
  /** Whether it has an address, with AT and TH: reads, writes and AtomicOps. */
  readonly hasAddress: boolean;
}

/** Fmt: four double words, and with data. */
export const FMT_4DW = 1 << 5;
const FMT_DATA = 1 << 6;

/** By type of TLP. */
export const FORMATS: Readonly<Record<TlpType, TlpFormat>> = formats();
/** By the first byte of a header, Fmt and Type; null where there is no such type. */
export const FORMAT_OF: readonly (TlpFormat | null)[] = formatsByFirstByte();

function formats(): Record<TlpType, TlpFormat> {
  const kinds = Object.keys(TLP_TYPES) as TlpType[];
  const rows = kinds.map((kind): [TlpType, TlpFormat] => {
    const { type, carriesData } = TLP_TYPES[kind];
    const group = groupOf(kind);
    const isMessage = group === TlpGroup.MESSAGE;
    const first = type | (carriesData ? FMT_DATA : 0) | (isMessage ? FMT_4DW : 0);
    return [kind, { kind, group, first, carriesData, hasAddress: isMemoryType(kind) }];
  });
  return Object.fromEntries(rows) as Record<TlpType, TlpFormat>;
}

function groupOf(kind: TlpType): TlpGroup {
  if (kind.startsWith('Msg')) return TlpGroup.MESSAGE;
  if (kind.startsWith('Cpl')) return TlpGroup.COMPLETION;
  if (!isMemoryType(kind)) return TlpGroup.REGISTER;
  return kind.startsWith('M') ? TlpGroup.MEMORY : TlpGroup.ATOMIC;
}

/** A memory request has two first bytes, a message eight. */
function formatsByFirstByte(): (TlpFormat | null)[] {
  const found = Array.from({ length: 256 }, (): TlpFormat | null => null);
  for (const format of Object.values(FORMATS)) {
    const { first, group, hasAddress } = format;
    const last = group === TlpGroup.MESSAGE ? first + 7 : first;
    for (let byte = first; byte <= last; byte++) found[byte] = format;
    if (hasAddress) found[first | FMT_4DW] = format;
  }
  return found;
}
