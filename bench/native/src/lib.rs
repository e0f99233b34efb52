//! Request validation and masking inside Envoy, over the plain C ABI of its dynamic modules (Envoy 1.40).
//!
//! Configuration, a JSON string: `{"request": <JSON Schema>, "mask": ["/email", "/address/street"]}`.
use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr::null_mut;

use serde_json::Value;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Slice {
    ptr: *const c_char,
    length: usize,
}
impl Slice {
    fn of(bytes: &[u8]) -> Self {
        Self {
            ptr: bytes.as_ptr().cast(),
            length: bytes.len(),
        }
    }
    unsafe fn bytes(&self) -> &[u8] {
        if self.ptr.is_null() {
            &[]
        } else {
            std::slice::from_raw_parts(self.ptr.cast(), self.length)
        }
    }
}
#[repr(C)]
struct Header {
    key: Slice,
    value: Slice,
}

const RECEIVED_REQUEST: i32 = 0;
const BUFFERED_REQUEST: i32 = 1;
const RECEIVED_RESPONSE: i32 = 2;
const BUFFERED_RESPONSE: i32 = 3;
const RESPONSE_HEADERS: i32 = 2;
const CONTINUE: i32 = 0;
const STOP: i32 = 1;
const BUFFER_MAX: usize = 1 << 20;

extern "C" {
    fn envoy_dynamic_module_callback_http_get_body_chunks_size(envoy: *mut c_void, body: i32) -> usize;
    fn envoy_dynamic_module_callback_http_get_body_chunks(envoy: *mut c_void, body: i32, to: *mut Slice) -> bool;
    fn envoy_dynamic_module_callback_http_get_body_size(envoy: *mut c_void, body: i32) -> usize;
    fn envoy_dynamic_module_callback_http_drain_body(envoy: *mut c_void, body: i32, bytes: usize) -> bool;
    fn envoy_dynamic_module_callback_http_append_body(envoy: *mut c_void, body: i32, data: Slice) -> bool;
    fn envoy_dynamic_module_callback_http_set_header(envoy: *mut c_void, of: i32, key: Slice, value: Slice) -> bool;
    fn envoy_dynamic_module_callback_http_send_response(
        envoy: *mut c_void,
        status: u32,
        headers: *mut Header,
        count: usize,
        body: Slice,
        details: Slice,
    );
    // What tells whether the body that came is the buffered one: see Envoy's abi.h.
    fn envoy_dynamic_module_callback_http_received_buffered_request_body(envoy: *mut c_void) -> bool;
    fn envoy_dynamic_module_callback_http_received_buffered_response_body(envoy: *mut c_void) -> bool;
}

struct Config {
    request: Option<jsonschema::Validator>,
    mask: Vec<String>,
}

unsafe fn chunk(envoy: *mut c_void, body: i32, into: &mut Vec<u8>) {
    let count = envoy_dynamic_module_callback_http_get_body_chunks_size(envoy, body);
    if count == 0 {
        return;
    }
    let mut parts = vec![
        Slice {
            ptr: std::ptr::null(),
            length: 0
        };
        count
    ];
    if envoy_dynamic_module_callback_http_get_body_chunks(envoy, body, parts.as_mut_ptr()) {
        for part in &parts {
            into.extend_from_slice(part.bytes());
        }
    }
}

unsafe fn whole(envoy: *mut c_void, received: i32, buffered: i32, same: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    if !same {
        chunk(envoy, buffered, &mut bytes);
    }
    chunk(envoy, received, &mut bytes);
    bytes
}

#[no_mangle]
pub extern "C" fn envoy_dynamic_module_on_program_init() -> *const c_char {
    c"v0.2.0".as_ptr()
}

#[no_mangle]
pub unsafe extern "C" fn envoy_dynamic_module_on_http_filter_config_new(
    _envoy: *mut c_void,
    _name: Slice,
    config: Slice,
) -> *mut c_void {
    let built = catch_unwind(AssertUnwindSafe(|| {
        let value: Value = serde_json::from_slice(config.bytes()).ok()?;
        let request = match value.get("request") {
            Some(schema) => Some(jsonschema::validator_for(schema).ok()?),
            None => None,
        };
        let mask = value.get("mask").and_then(Value::as_array).into_iter().flatten();
        let mask = mask.filter_map(Value::as_str).map(str::to_owned).collect();
        Some(Box::into_raw(Box::new(Config { request, mask })).cast())
    }));
    built.ok().flatten().unwrap_or(null_mut())
}

#[no_mangle]
pub unsafe extern "C" fn envoy_dynamic_module_on_http_filter_config_destroy(config: *mut c_void) {
    drop(Box::from_raw(config.cast::<Config>()));
}

/// A filter has no state of its own: the module's pointer is that of the configuration, which lives longer.
#[no_mangle]
pub extern "C" fn envoy_dynamic_module_on_http_filter_new(config: *mut c_void, _envoy: *mut c_void) -> *mut c_void {
    config
}

#[no_mangle]
pub unsafe extern "C" fn envoy_dynamic_module_on_http_filter_request_headers(
    _envoy: *mut c_void,
    filter: *mut c_void,
    end: bool,
) -> i32 {
    let config = &*filter.cast::<Config>();
    if end || config.request.is_none() {
        CONTINUE
    } else {
        STOP
    }
}

#[no_mangle]
pub unsafe extern "C" fn envoy_dynamic_module_on_http_filter_request_body(
    envoy: *mut c_void,
    filter: *mut c_void,
    end: bool,
) -> i32 {
    let config = &*filter.cast::<Config>();
    let Some(schema) = &config.request else { return CONTINUE };
    if !end {
        return STOP;
    }
    let refused = catch_unwind(AssertUnwindSafe(|| {
        let same = envoy_dynamic_module_callback_http_received_buffered_request_body(envoy);
        let bytes = whole(envoy, RECEIVED_REQUEST, BUFFERED_REQUEST, same);
        if bytes.len() > BUFFER_MAX {
            return Some("too large".to_owned());
        }
        let Ok(value) = serde_json::from_slice::<Value>(&bytes) else {
            return Some("not JSON".to_owned());
        };
        if schema.is_valid(&value) {
            return None;
        }
        schema.validate(&value).err().map(|each| each.instance_path.to_string())
    }))
    .unwrap_or(Some("the validator gave up".to_owned()));
    let Some(pointer) = refused else { return CONTINUE };
    let body = serde_json::json!({"code": "CONTRACT_VIOLATION", "details": {"pointer": pointer}}).to_string();
    let mut headers = [Header {
        key: Slice::of(b"content-type"),
        value: Slice::of(b"application/json"),
    }];
    envoy_dynamic_module_callback_http_send_response(
        envoy,
        422,
        headers.as_mut_ptr(),
        1,
        Slice::of(body.as_bytes()),
        Slice::of(b"contract_violation"),
    );
    STOP
}

#[no_mangle]
pub unsafe extern "C" fn envoy_dynamic_module_on_http_filter_response_headers(
    _envoy: *mut c_void,
    filter: *mut c_void,
    end: bool,
) -> i32 {
    let config = &*filter.cast::<Config>();
    if end || config.mask.is_empty() {
        CONTINUE
    } else {
        STOP
    }
}

#[no_mangle]
pub unsafe extern "C" fn envoy_dynamic_module_on_http_filter_response_body(
    envoy: *mut c_void,
    filter: *mut c_void,
    end: bool,
) -> i32 {
    let config = &*filter.cast::<Config>();
    if config.mask.is_empty() {
        return CONTINUE;
    }
    if !end {
        return STOP;
    }
    let same = envoy_dynamic_module_callback_http_received_buffered_response_body(envoy);
    let bytes = whole(envoy, RECEIVED_RESPONSE, BUFFERED_RESPONSE, same);
    let masked = catch_unwind(AssertUnwindSafe(|| masked(&bytes, &config.mask)))
        .ok()
        .flatten();
    // What cannot be masked is not shown at all.
    let masked = masked.unwrap_or_else(|| b"{}".to_vec());
    if !same {
        let size = envoy_dynamic_module_callback_http_get_body_size(envoy, BUFFERED_RESPONSE);
        envoy_dynamic_module_callback_http_drain_body(envoy, BUFFERED_RESPONSE, size);
    }
    let size = envoy_dynamic_module_callback_http_get_body_size(envoy, RECEIVED_RESPONSE);
    envoy_dynamic_module_callback_http_drain_body(envoy, RECEIVED_RESPONSE, size);
    envoy_dynamic_module_callback_http_append_body(envoy, RECEIVED_RESPONSE, Slice::of(&masked));
    let length = masked.len().to_string();
    envoy_dynamic_module_callback_http_set_header(
        envoy,
        RESPONSE_HEADERS,
        Slice::of(b"content-length"),
        Slice::of(length.as_bytes()),
    );
    CONTINUE
}

fn masked(bytes: &[u8], pointers: &[String]) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(bytes).ok()?;
    for pointer in pointers {
        if let Some(at) = value.pointer_mut(pointer) {
            *at = Value::String("[masked]".to_owned());
        }
    }
    serde_json::to_vec(&value).ok()
}

macro_rules! ignored {
    ($($name:ident),*) => { $(
        #[no_mangle]
        pub extern "C" fn $name(_envoy: *mut c_void, _filter: *mut c_void) -> i32 { CONTINUE }
    )* };
}
ignored!(
    envoy_dynamic_module_on_http_filter_request_trailers,
    envoy_dynamic_module_on_http_filter_response_trailers,
    envoy_dynamic_module_on_http_filter_stream_complete,
    envoy_dynamic_module_on_http_filter_destroy,
    envoy_dynamic_module_on_http_filter_scheduled,
    envoy_dynamic_module_on_http_filter_http_callout_done,
    envoy_dynamic_module_on_http_filter_http_stream_headers,
    envoy_dynamic_module_on_http_filter_http_stream_data,
    envoy_dynamic_module_on_http_filter_http_stream_trailers,
    envoy_dynamic_module_on_http_filter_http_stream_complete,
    envoy_dynamic_module_on_http_filter_http_stream_reset,
    envoy_dynamic_module_on_http_filter_downstream_above_write_buffer_high_watermark,
    envoy_dynamic_module_on_http_filter_downstream_below_write_buffer_low_watermark
);
