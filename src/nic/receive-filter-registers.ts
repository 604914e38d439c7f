import { bit, bits, type RegisterRow } from '../registers/index.ts';

const FILTERS = 128;

/** A word of each 5-tuple filter. */
function perFilter(name: string, offset: number, phrase: string, section: string): RegisterRow {
  return { name, offset, count: FILTERS, step: 4, access: 'RW', phrase, section };
}

/** Registers of an 82599's PF that choose receive queues beside RSS; see `INTEL_82599_OFFLOAD_REGISTERS`. */
export const RECEIVE_FILTER_REGISTERS: readonly RegisterRow[] = [
  {
    name: 'ETQS',
    offset: 0xec00,
    count: 8,
    step: 4,
    access: 'RsvdP',
    phrase: 'queues of EtherTypes',
    section: '8.2.3.7.22',
    fields: [
      bits('Rx Queue', 16, 7, 'RW', 'queue'),
      bit('LLI', 29, 'RW', 'packets interrupt at once'),
      bit('Queue Enable', 31, 'RW', 'the queue counts'),
    ],
  },
  perFilter('SAQF', 0xe000, '5-tuple filters: source addresses, their first byte lowest', '8.2.3.7.16'),
  perFilter('DAQF', 0xe200, '5-tuple filters: destination addresses', '8.2.3.7.17'),
  perFilter('SDPQF', 0xe400, '5-tuple filters: source and destination ports', '8.2.3.7.18'),
  {
    name: 'FTQF',
    offset: 0xe600,
    count: FILTERS,
    step: 4,
    access: 'RsvdP',
    phrase: '5-tuple filters: what is compared',
    section: '8.2.3.7.19',
    fields: [
      bits('Protocol', 0, 2, 'RW', 'TCP, UDP, SCTP, another'),
      bits('Priority', 2, 3, 'RW', 'the highest of those that match counts'),
      bits('Pool', 8, 6, 'RW', 'pool'),
      bits('Mask', 25, 5, 'RW', 'not compared: addresses, ports, protocol'),
      bit('Pool Mask', 30, 'RW', 'the pool is not compared'),
      bit('Queue Enable', 31, 'RW', 'valid'),
    ],
  },
  {
    name: 'L34TIMIR',
    offset: 0xe800,
    count: FILTERS,
    step: 4,
    access: 'RsvdP',
    phrase: '5-tuple filters: queues',
    section: '8.2.3.5.13',
    fields: [
      bit('Size_BP', 12, 'RW', 'packets of any size interrupt at once'),
      bits('Reserved', 13, 7, 'RW', 'software writes 1000000b'),
      bit('LLI', 20, 'RW', 'packets interrupt at once'),
      bits('Rx_Queue', 21, 7, 'RW', 'queue'),
    ],
  },
  {
    name: 'SYNQF',
    offset: 0xec30,
    access: 'RsvdP',
    phrase: 'filter of TCP SYN packets',
    section: '8.2.3.7.20',
    fields: [
      bit('Queue Enable', 0, 'RW', 'valid'),
      bits('Rx Queue', 1, 7, 'RW', 'queue'),
      bit('SYNQFP', 31, 'RW', 'it comes before the 5-tuple filters'),
    ],
  },
  {
    name: 'RQTC',
    offset: 0xec70,
    access: 'RW',
    phrase: 'bits of the RSS index that count, of each class, four bits a class',
    section: '8.2.3.7.13',
    reset: 0x4444_4444,
  },
  {
    name: 'RFCTL',
    offset: 0x5008,
    access: 'RsvdP',
    phrase: 'receive filter control',
    section: '8.2.3.7.6',
    fields: [
      bit('RSC_DIS', 5, 'RW', 'no receive side coalescing: there is none'),
      bits('NFS', 6, 4, 'RW', 'NFS headers'),
      bit('IPv6_DIS', 10, 'RW', 'IPv6 is not looked at'),
      bit('IPFRSP_DIS', 14, 'RW', 'fragments are not split'),
    ],
  },
  {
    name: 'RSCDBU',
    offset: 0x3028,
    access: 'RsvdP',
    phrase: 'receive side coalescing: buffers',
    section: '8.2.3.8.12',
    fields: [bit('RSCACKDIS', 7, 'RW', 'acknowledgements are not coalesced')],
  },
  {
    name: 'DTXMXSZRQ',
    offset: 0x8100,
    access: 'RsvdP',
    phrase: 'bytes of transmit requests at most',
    section: '8.2.3.9.1',
    fields: [bits('Max_bytes_num_req', 0, 12, 'RW', 'in 256 bytes', { reset: 0x10 })],
  },
];
