// Checks of the same tokens by Node libraries. BENCH_TOKENS names {"ES256": {"jwk", "tokens"}, ...}.
// Each line on stdin, `<library> <alg> <seconds>`, is answered by one line: checks a second, or `- <reason>`.
// A second is one of CPU time of the whole process, its threads included: jose's WebCrypto works on others.

import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

import { createVerifier } from 'fast-jwt'
import { importJWK, jwtVerify } from 'jose'

const world = JSON.parse(readFileSync(process.env.BENCH_TOKENS, 'utf8'))
const pem = jwk => createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' })

// The package @node-rs/jsonwebtoken only loads the build of this platform; two of its builds are installed here.
const native = () => {
  for (const build of ['gnu', 'musl']) {
    try {
      return createRequire(import.meta.url)(`@node-rs/jsonwebtoken-linux-x64-${build}`)
    } catch {}
  }
  throw new Error('no build for this platform among those that are installed')
}

const libraries = {
  'fast-jwt': async (alg, jwk) => createVerifier({ key: pem(jwk), algorithms: [alg], cache: false }),
  jose: async (alg, jwk) => {
    const key = await importJWK(jwk, alg)
    return token => jwtVerify(token, key, { algorithms: [alg] })
  },
  '@node-rs/jsonwebtoken': async (alg, jwk) => {
    const { verifySync, Algorithm } = native()
    const key = pem(jwk)
    const validation = { algorithms: [Algorithm?.[alg] ?? { ES256: 3, EdDSA: 11 }[alg]], requiredSpecClaims: [] }
    return token => verifySync(token, key, validation)
  }
}

const ready = new Map()

async function measure (name, alg, seconds) {
  const { jwk, tokens } = world[alg]
  const id = `${name} ${alg}`
  if (!ready.has(id)) {
    const check = await libraries[name](alg, jwk)
    const forged = tokens[0].slice(0, -8) + 'AAAAAAAA'
    let refused = false
    try { await check(forged) } catch { refused = true }
    if (!refused) throw new Error('accepted a forged signature')
    ready.set(id, check)
  }
  const check = ready.get(id)
  const now = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6 }
  const start = now()
  let done = 0
  while (now() < start + seconds) {
    for (let call = 0; call < 50; call++) {
      const claims = check(tokens[done++ % tokens.length])
      if (typeof claims?.then === 'function') await claims
    }
  }
  return done / (now() - start)
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, alg, seconds] = line.split(' ')
  try {
    console.log(String(await measure(name, alg, Number(seconds))))
  } catch (error) {
    console.log(`- ${String(error.message).split('\n')[0]}`)
  }
}
