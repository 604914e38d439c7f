import { checkInteger } from '../../base/index.ts';
import { bit, type RegisterRow } from '../../registers/index.ts';
import type { Capability } from './capability.ts';
import { ECAP_PRI } from './ids.ts';

/** Offsets within the capability. */
export const PRI_CONTROL = 0x04;
export const PRI_STATUS = 0x06;
export const PRI_CAPACITY = 0x08;
export const PRI_ALLOCATION = 0x0c;

/** Bits of Page Request Control. */
export const PRI_ENABLE = 1 << 0;
export const PRI_RESET = 1 << 1;
/** Bits of Page Request Status. */
export const PRI_RESPONSE_FAILURE = 1 << 0;
export const PRI_UNEXPECTED_GROUP = 1 << 1;
export const PRI_STOPPED = 1 << 8;

/** How a function asks for pages. */
export interface PriOptions {
  readonly at?: number;
  /** Page requests that it can have outstanding, 1 to 2^32 - 1. */
  readonly capacity: number;
  /** Answers to its page requests must carry the PASID. Default false. */
  readonly responsePasidRequired?: boolean;
}

/**
 * Page Request Interface (ATS 1.1 5.2). It is in the PF; VFs ask through it and do not have one. When Enable turns to 1,
 * Stopped and both errors are cleared; when it turns to 0 the interface has stopped at once, as no request is outstanding. The
 * allocation keeps its value while Enable is set: the specification lets software change it only before.
 *
 * @throws RangeError if the capacity is out of range, or when a VF is built with it.
 */
export function pri(options: PriOptions): Capability {
  checkInteger('capacity', options.capacity, 1, 2 ** 32 - 1);
  return {
    id: ECAP_PRI,
    extended: true,
    version: 1,
    name: 'PRI',
    bytes: 16,
    at: options.at,
    rows(context) {
      if (context.virtual) throw new RangeError('PRI must be in the PF, got a VF with it');
      return priRows(options);
    },
    guarded: [PRI_ALLOCATION],
    guard: (host, base, _offset, mask) =>
      (host.config.read16(base + PRI_CONTROL) & PRI_ENABLE) === 0 ? mask : 0,
    written(host, base, offset, _written, lanes, before) {
      if (offset !== PRI_CONTROL || (lanes & 1) === 0) return;
      const was = (before & PRI_ENABLE) !== 0;
      const is = (host.config.read16(base + PRI_CONTROL) & PRI_ENABLE) !== 0;
      if (was === is) return;
      const status = host.config.read16(base + PRI_STATUS);
      host.config.poke16(
        base + PRI_STATUS,
        is ? status & ~(PRI_STOPPED | PRI_RESPONSE_FAILURE | PRI_UNEXPECTED_GROUP) : status | PRI_STOPPED,
      );
    },
  };
}

/** The registers of the capability behind its header; also used to explain a dump. */
export function priRows({ capacity, responsePasidRequired = false }: PriOptions): RegisterRow[] {
  return [
    {
      name: 'Page Request Control Register',
      offset: PRI_CONTROL,
      bytes: 2,
      access: 'RsvdP',
      phrase: 'whether pages may be asked for',
      section: 'ATS 1.1 5.2.2',
      fields: [
        bit('Enable', 0, 'RW', 'may send page requests'),
        bit('Reset', 1, 'WO', 'forgets credits and pending requests while Enable is 0; reads as 0'),
      ],
    },
    {
      name: 'Page Request Status Register',
      offset: PRI_STATUS,
      bytes: 2,
      access: 'RsvdZ',
      phrase: 'what has happened to page requests',
      section: 'ATS 1.1 5.2.3',
      fields: [
        bit('Response Failure', 0, 'RW1C', 'an answer said failure'),
        bit('Unexpected Page Request Group Index', 1, 'RW1C', 'an answer was for no request'),
        bit('Stopped', 8, 'RO', 'no request is outstanding and none will be sent', { reset: 1 }),
        bit('PRG Response PASID Required', 15, 'RO', 'answers must carry the PASID', {
          reset: responsePasidRequired ? 1 : 0,
        }),
      ],
    },
    {
      name: 'Outstanding Page Request Capacity',
      offset: PRI_CAPACITY,
      access: 'RO',
      reset: capacity | 0,
      phrase: 'page requests it can have outstanding',
      section: 'ATS 1.1 5.2.4',
    },
    {
      name: 'Outstanding Page Request Allocation',
      offset: PRI_ALLOCATION,
      access: 'RW',
      phrase: 'page requests it may have outstanding',
      section: 'ATS 1.1 5.2.5',
    },
  ];
}
