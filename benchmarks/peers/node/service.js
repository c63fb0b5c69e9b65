// The plain service in Node: fastify, fast-jwt, ioredis. One process, one shared connection, keys parsed once.
// BENCH_WORLD names a JSON file: {"redis": url, "clients": [secrets], "keys": {kid: jwk}}; BENCH_PORT the port.

import { createHash, createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { createDecoder, createVerifier } from 'fast-jwt'
import Fastify from 'fastify'
import { Redis } from 'ioredis'

const world = JSON.parse(readFileSync(process.env.BENCH_WORLD, 'utf8'))
const sha256 = text => createHash('sha256').update(text).digest('base64')
const clients = new Set(world.clients.map(sha256))
const cache = new Redis(world.redis)
const header = createDecoder({ complete: true })
const verifiers = new Map(
  Object.entries(world.keys).map(([kid, jwk]) => [
    kid,
    createVerifier({
      key: createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }),
      algorithms: [jwk.kty === 'OKP' ? 'EdDSA' : 'ES256'],
      requiredClaims: ['iss', 'jti', 'nbf'],
      cache: false // a cached verdict would skip the signature of a token seen before; see "scanned again"
    })
  ])
)

const app = Fastify({ logger: false, bodyLimit: 65536 })

const schema = {
  body: {
    type: 'object',
    required: ['qr'],
    properties: { qr: { type: 'string', maxLength: 16384 } }
  },
  response: {
    200: {
      type: 'object',
      properties: {
        verdict: { type: 'string' },
        reason: { type: 'string' },
        licence: { type: 'object', additionalProperties: true }
      }
    }
  }
}

app.addHook('onRequest', async (request, reply) => {
  const secret = request.headers.authorization?.slice('Bearer '.length) ?? ''
  if (!clients.has(sha256(secret))) return reply.code(403).send()
})

app.post('/v1/verify', { schema }, async request => {
  const token = request.body.qr.split('~', 1)[0]
  let claims
  try {
    claims = verifiers.get(header(token).header.kid)(token)
  } catch {
    return { verdict: 'refused', reason: 'invalid' }
  }
  const { uri, idx } = claims.status.status_list
  if (await cache.getbit(`revoked:${uri}`, idx)) return { verdict: 'refused', reason: 'revoked' }
  return { verdict: 'accepted', licence: claims }
})

await app.listen({ host: '127.0.0.1', port: Number(process.env.BENCH_PORT) })
