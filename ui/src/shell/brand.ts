type Rgb = [number, number, number]

const BACKGROUND = { light: '#f3f3f5', dark: '#191b20' } as const
const WANTED = 5.2

/**
 * Returns `color`, moved towards black or white until text in it can be read
 * on the window's raised surface.
 *
 * 5.2 and not 4.5: the same ink also stands on surfaces that are tinted with
 * it, which takes a little contrast away again.
 */
export function inkOf(color: string, theme: 'light' | 'dark'): string {
  const background = parse(BACKGROUND[theme])
  const target: Rgb = theme === 'light' ? [0, 0, 0] : [255, 255, 255]
  const original = parse(color)
  for (let share = 0; share <= 1; share += 0.04) {
    const mixed = original.map((channel, index) => Math.round(channel + ((target[index] ?? 0) - channel) * share)) as Rgb
    if (contrast(mixed, background) >= WANTED) return write(mixed)
  }
  return write(target)
}

/** The ratio of WCAG 2 between two colours, from 1 to 21. */
export function contrast(first: Rgb, second: Rgb): number {
  const [light = 0, dark = 0] = [luminance(first), luminance(second)].sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

/** Reads `#rrggbb`. */
export function parse(color: string): Rgb {
  const digits = /^#([0-9a-f]{6})$/i.exec(color)?.[1] ?? '4338ca'
  return [0, 2, 4].map(at => parseInt(digits.slice(at, at + 2), 16)) as Rgb
}

function write(color: Rgb) {
  return `#${color.map(channel => channel.toString(16).padStart(2, '0')).join('')}`
}

function luminance(color: Rgb) {
  const [red = 0, green = 0, blue = 0] = color.map(channel => channel / 255).map(share => share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4)
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
