/**
 * What the data path must know about a port, compiled into 16 words: one cache line. `port << RECORD_SHIFT`
 * is the first word of a port's record; the names below are offsets from there.
 */
export const RECORD_SHIFT = 4;

/**
 * As a receiver. Bits 15:0: longest frame it takes on the direct way, in bytes without its 802.1Q tag; 0 while it
 * may not receive, and while frames to it need the long way. Above, where a word of the data path has its tag operation (TAG_SHIFT), those that it may be
 * given: TAG_INSERT, or TAG_STRIP where tags are taken off. A frame's tag is in its bytes (TAG_STRIP), beside
 * them (TAG_INSERT) or not there (0); the AND of both is what to do.
 */
export const EGRESS = 0;
/** Control of its output queue: three words, see port-queues.ts. */
export const OUTPUT_QUEUE = 1;

/** Counted since the counters were settled last; see SwitchCounters. What goes into output queues, these count. */
export const FRAMES_OUT = 4;
export const BYTES_OUT = 5;
export const FRAMES_IN = 6;
export const BYTES_IN = 7;

/** As a sender: which of its unicast frames the tables alone decide; the others need the long way. One of these: */
export const DIRECT = 8;
/** none, */
export const NONE_DIRECT = 0;
/** those to addresses with an exact filter, */
export const FILTERED_DIRECT = 1;
/** all: those to addresses without an exact filter go to the wire, */
export const ALL_DIRECT = 2;
/** all: they go to the wire, whatever the filters are. */
export const WIRE_DIRECT = 3;
/** All ones if the source address is checked, else 0. */
export const CHECK_MAC = 9;
/** The first of the port's own addresses as it lies in a frame: bytes 6 and 7 in the upper half of word 1, */
export const SOURCE_FIRST = 10;
/** and bytes 8 to 11 in word 2. */
export const SOURCE_LAST = 11;
/** 1 if the VLAN is checked, else 0. */
export const CHECK_VLAN = 12;
/** What the port does to the tag of frames that it sends: {@link KEEP_TAG}, {@link NO_TAG} or a TCI. */
export const PORT_TAG = 13;

/** Counted like those above, at `OUT_BY_CLASS + class`: frames to groups and to all. */
export const OUT_BY_CLASS = 13;

/** The frame's tag is what the descriptor asked for (82599: PFVMVIR.VLANA = 00b). */
export const KEEP_TAG = -2;
/**
 * No tag beside the frame, whatever the descriptor asked for (82599: PFVMVIR.VLANA = 10b); as in
 * FramePool.outerTci.
 */
export const NO_TAG = -1;
