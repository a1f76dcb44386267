# What scripts/bench and scripts/instructions share: the two programs, and what they are asked.
# shellcheck shell=bash disable=SC2034

by_hand=target/release/by_hand
services=target/release/services
limit=target/release/limit

predict='/predict?client=test1&json=%7B%22f1%22%3A4.8%2C%22f2%22%3A3.0%2C%22f3%22%3A1.4%2C%22f4%22%3A0.1%7D'
recommend='/recommend?client=test1&user_id=1&recent_interactions=62,93&exclusion_items=&limit=30'
classify='/io.seldon.api.rpc.Seldon/Classify'

# Installs the packages that provide the commands that are missing: needs COMMAND=PACKAGE…
needs() {
    local missing=() pair
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
    done
    [ ${#missing[@]} -eq 0 ] && return
    local as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -q >&2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qy --no-install-recommends "${missing[@]}" >&2
}

# Apart, so that neither gets the features that the other asks of what both use.
build() {
    [ -z "${BUILT:-}" ] || return 0 # The programs of the last run are to be measured again.
    cargo build --quiet --release --locked -p by_hand
    cargo build --quiet --release --locked -p services
}

# Writes the framed ClassificationRequest to the file $1: an id, and a flower in an `Any`.
write_message() {
    local type='type.googleapis.com/io.seldon.microservice.iris.IrisPredictRequest'
    local flower='\x0d\x9a\x99\x99\x40\x15\x00\x00\x40\x40\x1d\x33\x33\xb3\x3f\x25\xcd\xcc\xcc\x3d'
    {
        printf '\x00\x00\x00\x00\x67'        # not compressed, 103 bytes
        printf '\x0a\x09\x0a\x07bench-1'      # meta { puid }
        printf '\x12\x5a\x0a\x42%s' "$type"   # data { type_url
        printf '\x12\x14%b' "$flower"         #        value }
    } >"$1"
}

# How a program is started: command_of WHICH PORT prints the command. `by_hand` takes gRPC on the next
# port, `limit` the length of its replies' bodies.
command_of() {
    case $1 in
        by_hand) echo "$by_hand 127.0.0.1:$2 127.0.0.1:$(($2 + 1))" ;;
        services) echo "$services 127.0.0.1:$2" ;;
        limit) echo "$limit 127.0.0.1:$2 $3" ;;
    esac
}

grpc_port() {
    case $1 in
        by_hand) echo $(($2 + 1)) ;;
        *) echo "$2" ;;
    esac
}

wait_for() {
    local port
    for port in "$@"; do
        local tries=0
        until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
            tries=$((tries + 1))
            [ $tries -lt 600 ] || { echo "nothing listens on port $port" >&2; return 1; }
            sleep 0.05
        done
    done
}

# The generators, for a number of requests: ask KIND HTTP_PORT GRPC_PORT H2LOAD_ARGUMENT…
ask() {
    local kind=$1 http=$2 grpc=$3
    shift 3
    case $kind in
        predict | recommend)
            h2load --h1 "$@" "http://127.0.0.1:$http${!kind}" ;;
        classify)
            h2load "$@" -d target/classify.bin -H 'content-type: application/grpc' -H 'te: trailers' \
                "http://127.0.0.1:$grpc$classify" ;;
    esac
}
