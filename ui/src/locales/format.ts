import { useNow } from '@vueuse/core'
import { computed, effectScope, ref, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
const HOURS_A_MONTH = 730

/** The one clock that every relative time on the screen reads; it outlives whoever asks first. */
let sharedNow: Ref<Date> | null = null
function clock(): Ref<Date> {
  sharedNow ??= effectScope(true).run(() => useNow({ interval: 1000 })) ?? ref(new Date())
  return sharedNow
}

/** The writers of one language. Making one costs more than using it a thousand times. */
const cache = new Map<string, ReturnType<typeof writersOf>>()
function writersOf(locale: string) {
  return {
    numbers: new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }),
    relative: new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' }),
    exactly: new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'long' }),
    clockTime: new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }),
  }
}

/** Numbers, sizes, prices and times as people of the chosen language write them. */
export function useFormat() {
  const { locale } = useI18n()
  const now = clock()
  const writers = computed(() => {
    const known = cache.get(locale.value) ?? writersOf(locale.value)
    cache.set(locale.value, known)
    return known
  })

  return { now, number, bytes, rate, percent, price, monthly, ago, exact, time, duration, elapsed }

  function number(value: number, digits = 1) {
    return digits === 1 ? writers.value.numbers.format(value) : new Intl.NumberFormat(locale.value, { maximumFractionDigits: digits }).format(value)
  }

  function bytes(value: number | null) {
    if (value === null) return '–'
    const power = value < 1 ? 0 : Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(value) / 10))
    const scaled = value / 1024 ** power
    return `${number(scaled, scaled < 10 && power > 0 ? 1 : 0)} ${BYTE_UNITS[power]}`
  }

  function rate(value: number | null) {
    return value === null ? '–' : `${bytes(value)}/s`
  }

  function percent(value: number | null, digits = 0) {
    return value === null ? '–' : `${number(value, digits)} %`
  }

  function price(value: number, currency: string) {
    return new Intl.NumberFormat(locale.value, { style: 'currency', currency, maximumFractionDigits: value < 0.1 ? 4 : 2 }).format(value)
  }

  /** Writes what an hourly price comes to in a month of 730 hours. */
  function monthly(hourly: number, currency: string) {
    return price(hourly * HOURS_A_MONTH, currency)
  }

  function ago(at: string) {
    const seconds = Math.round((Date.parse(at) - now.value.getTime()) / 1000)
    const size = Math.abs(seconds)
    if (size < 5) return writers.value.relative.format(0, 'second')
    if (size < 60) return writers.value.relative.format(seconds, 'second')
    if (size < 3600) return writers.value.relative.format(Math.round(seconds / 60), 'minute')
    if (size < 86_400) return writers.value.relative.format(Math.round(seconds / 3600), 'hour')
    return writers.value.relative.format(Math.round(seconds / 86_400), 'day')
  }

  function exact(at: string) {
    return writers.value.exactly.format(new Date(at))
  }

  function time(at: string) {
    return writers.value.clockTime.format(new Date(at))
  }

  /** Writes a span of seconds with its two largest units. */
  function duration(seconds: number) {
    const whole = Math.max(0, Math.round(seconds))
    if (whole < 60) return `${whole} s`
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`
    if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${String(Math.floor(whole / 60) % 60).padStart(2, '0')} min`
    return `${Math.floor(whole / 86_400)} d ${Math.floor(whole / 3600) % 24} h`
  }

  /** Writes the time from `start` to `end`, or to now while there is no end. */
  function elapsed(start: string, end: string | null) {
    return duration(((end ? Date.parse(end) : now.value.getTime()) - Date.parse(start)) / 1000)
  }
}
