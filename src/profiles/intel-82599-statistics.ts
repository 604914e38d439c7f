import type { RegisterRow } from '../registers/index.ts';
import { counters, ro, rwArray } from './register-rows.ts';

/** A counter that reading clears. */
function rc(name: string, offset: number, phrase: string, section = '8.2.3.23'): RegisterRow {
  return counters(name, offset, 1, phrase, section);
}

/** The halves of one of 36 bits, `step` bytes apart by index. */
function pair(name: string, offset: number, phrase: string, halves = ['L', 'H']): RegisterRow[] {
  return [
    rc(`${name}${halves[0]}`, offset, `${phrase}, low`),
    rc(`${name}${halves[1]}`, offset + 4, `${phrase}, high`),
  ];
}

/** The same of the sixteen statistics of queues. */
function perQueue(name: string, offset: number, step: number, phrase: string): RegisterRow {
  return { ...counters(name, offset, 16, phrase, '8.2.3.23'), step };
}

/** What the PF sees of each pool; reading leaves it as it is. */
function perPool(name: string, offset: number, step: number, phrase: string): RegisterRow {
  return { ...ro(name, offset, phrase, '8.3.5.6'), count: 64, step };
}

const SIZES = [
  ['64', 'of 64 bytes'],
  ['127', 'of 65 to 127 bytes'],
  ['255', 'of 128 to 255 bytes'],
  ['511', 'of 256 to 511 bytes'],
  ['1023', 'of 512 to 1,023 bytes'],
  ['1522', 'of 1,024 bytes and more'],
] as const;

/** Statistics registers of the PF, which reading clears; what nothing in the model makes stays zero. */
export const INTEL_82599_STATISTICS: readonly RegisterRow[] = [
  rc('CRCERRS', 0x4000, 'frames with a wrong check sequence'),
  rc('ILLERRC', 0x4004, 'illegal bytes'),
  rc('ERRBC', 0x4008, 'error bytes'),
  rc('MSPDC', 0x4010, 'short packets that the MAC discards'),
  rc('MLFC', 0x4034, 'faults of the MAC'),
  rc('MRFC', 0x4038, "faults of the link partner's MAC"),
  rc('RLEC', 0x4040, 'frames whose length field is wrong'),
  counters('RXMPC', 0x3fa0, 8, 'frames without room in the packet buffer, by class', '8.2.3.23'),
  ...SIZES.flatMap(([size, phrase], i) => [
    rc(`PRC${size}`, 0x405c + 4 * i, `packets received ${phrase}`),
    rc(`PTC${size}`, 0x40d8 + 4 * i, `packets transmitted ${phrase}`),
  ]),
  rc('GPRC', 0x4074, 'good packets received'),
  rc('BPRC', 0x4078, 'broadcast packets received'),
  rc('MPRC', 0x407c, 'multicast packets received'),
  rc('GPTC', 0x4080, 'good packets transmitted'),
  ...pair('GORC', 0x4088, 'good octets received'),
  ...pair('GOTC', 0x4090, 'good octets transmitted'),
  rc('RUC', 0x40a4, 'undersized frames'),
  rc('RFC', 0x40a8, 'fragments'),
  rc('ROC', 0x40ac, 'oversized frames'),
  rc('RJC', 0x40b0, 'jabber'),
  rc('MNGPRC', 0x40b4, 'management packets received'),
  rc('MNGPDC', 0x40b8, 'management packets dropped'),
  ...pair('TOR', 0x40c0, 'octets received'),
  rc('TPR', 0x40d0, 'packets received'),
  rc('TPT', 0x40d4, 'packets transmitted'),
  rc('MPTC', 0x40f0, 'multicast packets transmitted'),
  rc('BPTC', 0x40f4, 'broadcast packets transmitted'),
  rc('XEC', 0x4120, 'packets with a wrong checksum'),
  rc('RXNFGPC', 0x41b0, 'good packets received before filters'),
  ...pair('RXNFGBC', 0x41b4, 'good octets received before filters'),
  rc('MNGPTC', 0xcf90, 'management packets transmitted'),
  rc('RXDGPC', 0x2f50, 'good packets given to queues'),
  ...pair('RXDGBC', 0x2f54, 'good octets given to queues'),
  rc('TXDGPC', 0x87a0, 'good packets taken from queues'),
  ...pair('TXDGBC', 0x87a4, 'good octets taken from queues'),
  rwArray('RQSMR', 0x2300, 32, 4, 'statistics of each receive queue', '8.2.3.23.71'),
  rwArray('TQSM', 0x8600, 32, 4, 'statistics of each transmit queue', '8.2.3.23.73'),
  perQueue('QPRC', 0x1030, 0x40, 'packets received'),
  perQueue('QBRC_L', 0x1034, 0x40, 'octets received, low'),
  perQueue('QBRC_H', 0x1038, 0x40, 'octets received, high'),
  perQueue('QPRDC', 0x1430, 0x40, 'packets without a descriptor'),
  perQueue('QPTC', 0x8680, 4, 'packets transmitted'),
  perQueue('QBTC_L', 0x8700, 8, 'octets transmitted, low'),
  perQueue('QBTC_H', 0x8704, 8, 'octets transmitted, high'),
  perPool('PVFGPRC', 0x101c, 0x40, 'good packets received by a VF'),
  perPool('PVFGORC_LSB', 0x1020, 0x40, 'good octets received by a VF, low'),
  perPool('PVFGORC_MSB', 0xd020, 0x40, 'good octets received by a VF, high'),
  perPool('PVFMPRC', 0xd01c, 0x40, 'multicast packets received by a VF'),
  perPool('PVFGPTC', 0x8300, 4, 'good packets transmitted by a VF'),
  perPool('PVFGOTC_LSB', 0x8400, 8, 'good octets transmitted by a VF, low'),
  perPool('PVFGOTC_MSB', 0x8404, 8, 'good octets transmitted by a VF, high'),
  rc('FCCRC', 0x5118, 'FC frames with a wrong check sequence'),
  rc('FCOERPDC', 0x241c, 'FCoE packets dropped'),
  rc('FCLAST', 0x2424, 'FC frames that are the last of their sequence'),
  rc('FCOEPRC', 0x2428, 'FCoE packets received'),
  rc('FCOEDWRC', 0x242c, 'FCoE double words received'),
  rc('FCOEPTC', 0x8784, 'FCoE packets transmitted'),
  rc('FCOEDWTC', 0x8788, 'FCoE double words transmitted'),
];

/** Statistics registers of a VF, which wrap round. */
export const INTEL_82599_VF_STATISTICS: readonly RegisterRow[] = [
  ro('VFGPRC', 0x101c, 'good packets received', '8.3.5.6.1'),
  ro('VFGORC_LSB', 0x1020, 'good octets received, low', '8.3.5.6.3'),
  ro('VFGORC_MSB', 0x1024, 'good octets received, high', '8.3.5.6.4'),
  ro('VFMPRC', 0x1034, 'multicast packets received', '8.3.5.6.7'),
  ro('VFGPTC', 0x201c, 'good packets transmitted', '8.3.5.6.2'),
  ro('VFGOTC_LSB', 0x2020, 'good octets transmitted, low', '8.3.5.6.5'),
  ro('VFGOTC_MSB', 0x2024, 'good octets transmitted, high', '8.3.5.6.6'),
];
