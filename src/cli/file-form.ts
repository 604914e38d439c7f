/** How files begin that somebody may take for another one. */
const BEGINNINGS: readonly (readonly [string, string])[] = [
  ['SRIOVLOG', 'a binary log'],
  ['sriovsnp', 'a snapshot'],
  ['\n\r\r\n', 'a pcapng capture'],
  ['\xd4\xc3\xb2\xa1', 'a pcap capture'],
  ['\xa1\xb2\xc3\xd4', 'a pcap capture'],
  ['\x4d\x3c\xb2\xa1', 'a pcap capture'],
  ['\xa1\xb2\x3c\x4d', 'a pcap capture'],
  ['$date', 'a value change dump'],
  ['\x1f\x8b', 'compressed by gzip'],
];

/** What a file is by its first bytes, or null: `a pcapng capture`. */
export function formOf(bytes: Uint8Array): string | null {
  const beginning = String.fromCharCode(...bytes.subarray(0, 16));
  return BEGINNINGS.find(([first]) => beginning.startsWith(first))?.[1] ?? null;
}
